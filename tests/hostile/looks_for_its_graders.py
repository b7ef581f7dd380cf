"""Serves, unless it can touch or look into a process that is not its own, or a folder beside its own."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import honest  # type: ignore[import-not-found]  # lies beside it in the submission


def reached(process: Path) -> list[str]:
    """What can be opened of another process, and whether it could be signalled (PID 1 is deaf by itself)."""
    found = []
    for name in ("mem", "environ", "fd", "syscall", "cwd"):
        with suppress(OSError):
            path = process / name
            next(path.iterdir()) if name in {"fd", "cwd"} else path.open("rb").read(1)
            found.append(str(path))
    if process.name != "1":
        with suppress(OSError):
            os.kill(int(process.name), 0)
            found.append(f"signals to {process.name}")
    return found


others = [path for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]
found = [words for process in others for words in reached(process)]
parent = Path.cwd().parent
if parent.name.startswith("grader-"):  # where the work folder is one of several
    for beside in (parent, parent / "driver"):
        with suppress(OSError):
            found += map(str, beside.iterdir())
if found:
    sys.exit(f"reached {' '.join(found)}")

honest.serve()
