"""What the kernel counts of a sandbox's control group: refusals, kills, CPU time.  Standard library only."""

from __future__ import annotations

from contextlib import suppress

#: The count's name, and where it is: cgroup v2, then v1.
_KILLED_FOR_MEMORY = ("oom_kill", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_REFUSED_PROCESSES = ("max", "/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")

#: The CPU time of all that ever ran in it: cgroup v2 in lines of microseconds, v1 in nanoseconds.
_CPU_STAT = "/sys/fs/cgroup/cpu.stat"
_CPU_USAGE = ("/sys/fs/cgroup/cpuacct/cpuacct.usage", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage")


def killed_for_memory() -> int:
    """How many processes were killed because there was no more memory."""
    return _counted(*_KILLED_FOR_MEMORY)


def refused_processes() -> int:
    """How often it wanted another process or thread and got none."""
    return _counted(*_REFUSED_PROCESSES)


def cpu_ns() -> int:
    """How long its processes have been on a CPU, those that have ended included; 0 if there is no such count."""
    for path in _CPU_USAGE:
        with suppress(OSError), open(path) as count:
            return int(count.read())
    return 1000 * _counted("usage_usec", _CPU_STAT)


def _counted(wanted: str, *paths: str) -> int:
    """How often; 0 if there is no such count."""
    for path in paths:
        with suppress(OSError), open(path) as lines:
            for line in lines:
                name, _, count = line.partition(" ")
                if name == wanted:
                    return int(count)
    return 0
