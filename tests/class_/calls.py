"""Calls for `test_processes.py`; run as a module it makes one, and is there to be killed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from grader.class_.processes import Processes
from grader.errors import UsageError


def refuse(words: str) -> None:
    """Raise an error of ours."""
    raise UsageError(words)


def meet(folder: str, count: int) -> int:
    """Wait until so many processes are here; its own id."""
    Path(folder, f"{os.getpid()}").touch()
    while len([*Path(folder).iterdir()]) < count:
        os.sched_yield()
    return os.getpid()


def wait_forever(folder: str) -> None:
    """Wait until it is interrupted, and leave a file then."""
    try:
        Path(folder, "begins").write_text(str(os.getpid()))
        Path(folder, "begins").rename(Path(folder, "began"))
        threading.Event().wait()
    finally:
        Path(folder, "tidied").touch()


if __name__ == "__main__":
    from tests.class_.calls import wait_forever  # so that the process finds it where it is

    Processes(1, limit_s=60).submit(wait_forever, sys.argv[1]).result()
