"""The command's first step: what takes longest is started before the libraries of the command are loaded."""

from __future__ import annotations

import os
import signal
import sys

from grader.errors import NOT_JUDGED
from grader.sandbox.begun import begun


def main() -> None:
    """Run the command and exit."""
    _replace_closed_streams()
    try:
        _hear_of_children()
        with begun(sys.argv[1:]) as nest:
            from grader import cli  # noqa: PLC0415 — this is what takes long

            cli.main(nest)
    except KeyboardInterrupt:  # while it was loaded, or after all that it had to say
        sys.stderr.write("grader: interrupted\n")
        sys.exit(NOT_JUDGED)
    finally:
        # If a KeyboardInterrupt fell into the evaluation of a text, as namedtuple does one, Python remembers it even
        # when it has been handled, and dies of SIGINT instead of exiting; the next evaluation makes it forget that
        # (run_eval_code_obj in CPython's pythonrun.c).
        eval("None")  # noqa: S307


def _hear_of_children() -> None:
    """Nobody can wait for a child where SIGCHLD is ignored; who starts us may ignore it, and block any signal."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _replace_closed_streams() -> None:
    """Replace standard streams that are closed by /dev/null: else what is opened next gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


if __name__ == "__main__":
    main()
