"""Outlives a host that is killed, and removes what its run created in the engine.

Standard input is the lifeline: a line on it means that the host itself has tidied up; end of file without one, that the
host is gone.  A container or volume may still be in creation then, so it looks several times.
Argument: the run's id.
"""

from __future__ import annotations

import sys
import threading

#: Looks after the first; the engine needs well under half a second to do what the host had asked for.
_LOOKS = 5
_BETWEEN_LOOKS_S = 0.4


def main() -> None:
    """Wait until the host is gone."""
    if sys.stdin.readline():
        return
    from grader.sandbox import engine  # noqa: PLC0415 — needed only now, and slow to import

    client = engine.connect()
    clock = threading.Event()
    for _ in range(_LOOKS):
        engine.remove_left_behind(client, sys.argv[1])
        clock.wait(_BETWEEN_LOOKS_S)


if __name__ == "__main__":
    main()
