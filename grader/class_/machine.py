"""How many gradings this machine holds at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psutil

from grader.limits import GRADING_BYTES, PROGRAM_BYTES

#: Where control groups of the second and of the first version say how many CPUs and bytes this container may use.
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_MEMORY: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def jobs() -> int:
    """One for each core, as far as the memory that is free holds them; one at least."""
    return max(1, min(cores(), free_bytes() // (GRADING_BYTES + PROGRAM_BYTES)))


def cores() -> int:
    """The cores that we may use: those of a container with a quota are fewer."""
    there = len(os.sched_getaffinity(0))
    quota, _, period = _told(_QUOTA).partition(" ")
    return min(there, max(1, int(quota) // int(period))) if quota.isdigit() and period.isdigit() else there


def free_bytes() -> int:
    """Memory that can be had without making others slow."""
    limits = [int(told) for told in map(_told, _MEMORY) if told.isdigit()]
    return min([psutil.virtual_memory().available, *limits])


def _told(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
