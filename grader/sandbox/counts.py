"""What the kernel counts of a sandbox's control group: refusals, kills, CPU time.  Standard library only."""

from __future__ import annotations

import os
from contextlib import suppress

#: Where a container sees its own group; all other names here are below it.
GROUP = "/sys/fs/cgroup"

#: The count's name, and where it is: cgroup v2, then v1.
_KILLED_FOR_MEMORY = ("oom_kill", "memory.events", "memory/memory.oom_control")
_REFUSED_PROCESSES = ("max", "pids.events", "pids/pids.events")

#: The CPU time of all that ever ran in it: cgroup v2 in lines of microseconds, v1 in nanoseconds.
_CPU_STAT = "cpu.stat"
_CPU_USAGE = ("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")

#: What the limits of memory and of processes rest on, in v2 and in v1.
_LIMITED = ({"memory.current", "pids.max"}, {"memory/memory.usage_in_bytes", "pids/pids.max"})


def are_kept() -> bool:
    """Whether memory and processes are counted for the group: an engine without root may not have been given that."""
    return any(all(os.path.exists(f"{GROUP}/{name}") for name in names) for names in _LIMITED)


def killed_for_memory() -> int:
    """How many processes were killed because there was no more memory."""
    return _counted(*_KILLED_FOR_MEMORY)


def refused_processes() -> int:
    """How often it wanted another process or thread and got none."""
    return _counted(*_REFUSED_PROCESSES)


def cpu_ns() -> int:
    """How long its processes have been on a CPU, those that have ended included; 0 if there is no such count."""
    for path in _CPU_USAGE:
        with suppress(OSError), open(f"{GROUP}/{path}") as count:
            return int(count.read())
    return 1000 * _counted("usage_usec", _CPU_STAT)


def _counted(wanted: str, *paths: str) -> int:
    """How often; 0 if there is no such count."""
    for path in paths:
        with suppress(OSError), open(f"{GROUP}/{path}") as lines:
            for line in lines:
                name, _, count = line.partition(" ")
                if name == wanted:
                    return int(count)
    return 0
