"""Outlives a host that is killed, and removes what its run created in the engine.

Standard input is the lifeline: a line on it means that the host itself has tidied up; end of file without one, that the
host is gone.  A container or volume may still be in creation then, so it looks several times.

There is one for each grading, and nearly all of them only wait: so it starts without Python's site (`COMMAND`), imports
nothing before it has something to do, and costs a third of another interpreter.
Argument: the run's id.
"""

from __future__ import annotations

import sys

#: Looks after the first; the engine needs well under half a second to do what the host had asked for.
_LOOKS = 5
_BETWEEN_LOOKS_S = 0.4
#: What starts it, before its argument.  By its path: to find it as a module, Python would load the packages around it.
COMMAND = (sys.executable, "-P", "-S", __file__)


def main() -> None:
    """Wait until the host is gone."""
    if sys.stdin.readline():
        return
    # Needed only now, and slow to import.
    import site  # noqa: PLC0415
    import threading  # noqa: PLC0415

    site.main()
    from grader.sandbox import engine  # noqa: PLC0415

    client = engine.connect()
    clock = threading.Event()
    for _ in range(_LOOKS):
        engine.remove_left_behind(client, sys.argv[1])
        clock.wait(_BETWEEN_LOOKS_S)


if __name__ == "__main__":
    main()
