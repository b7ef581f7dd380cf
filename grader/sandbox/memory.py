"""Whether a program uses more memory than it may: counted by the kernel, and never at the cost of the program's time.

Three counts, the cheapest first, and none is smaller than the next, but for libraries that others have loaded: what the
cgroup is charged with, where there is one; resident pages of all processes together, where pages that forked processes
share count in each; and their exact sum (PSS).  The last is slow: of 150 processes that share some hundred megabytes it
takes seconds.  So it is taken in pieces, of as many processes as fit in a moment, and looking costs at most a tenth of
the time.

Standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from grader.sandbox import proc

#: How often a program's memory is looked at: what it takes in between is the container's or the machine's matter.
TICK_S = 0.1
#: How long one look may add up exact sums: a question to the warden waits no longer for it.
_PIECE_S = 0.05
#: A look that took a millisecond is followed by nine without one.
_REST_FOR_EACH = 9
#: Where the kernel counts what this container is charged with: cgroup v2, then v1.  Elsewhere it is a larger whole.
_CHARGED_FILES = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


class MemoryWatch:
    """Looks at the memory of one program after another."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._due = 0.0
        self._exact: dict[int, int] = {}

    def exceeded(self, pids: Callable[[], Iterable[int]]) -> bool:
        """Whether all these processes together use more than they may; False also when it is not time to look."""
        began = time.monotonic()
        if began < self._due:
            return False
        found = self._look(pids, began)
        now = time.monotonic()
        self._due = now + max(TICK_S, _REST_FOR_EACH * (now - began))
        return found

    def _look(self, pids: Callable[[], Iterable[int]], began: float) -> bool:
        charged = _charged_bytes()
        if charged is not None and charged <= self._limit_bytes:
            return False
        running = dict.fromkeys(pids())
        if sum(map(proc.resident_bytes, running)) <= self._limit_bytes:
            return False
        # Those not counted yet come first, then those counted longest ago: a dict keeps its order.
        known = {pid: size for pid, size in self._exact.items() if pid in running}
        self._exact = known
        for pid in [*(pid for pid in running if pid not in known), *known]:
            self._exact.pop(pid, None)
            self._exact[pid] = proc.own_bytes(pid)
            if time.monotonic() > began + _PIECE_S:
                break
        return sum(self._exact.values()) > self._limit_bytes


def _charged_bytes() -> int | None:
    for path in _CHARGED_FILES:
        try:
            with open(path, "rb") as file:
                return int(file.read())
        except OSError:
            continue
    return None
