"""What the kernel counts of a sandbox's control group: what it refused it, and killed in it.  Standard library only."""

from __future__ import annotations

from contextlib import suppress

#: The count's name, and where it is: cgroup v2, then v1.
_KILLED_FOR_MEMORY = ("oom_kill", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_REFUSED_PROCESSES = ("max", "/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")


def killed_for_memory() -> int:
    """How many processes were killed because there was no more memory."""
    return _counted(*_KILLED_FOR_MEMORY)


def refused_processes() -> int:
    """How often it wanted another process or thread and got none."""
    return _counted(*_REFUSED_PROCESSES)


def _counted(wanted: str, *paths: str) -> int:
    """How often; 0 if there is no such count."""
    for path in paths:
        with suppress(OSError), open(path) as lines:
            for line in lines:
                name, _, count = line.partition(" ")
                if name == wanted:
                    return int(count)
    return 0
