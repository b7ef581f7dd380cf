"""Whether a program uses more memory than it may: counted by the kernel, and never at the cost of the program's time.

In a container, the kernel charges its control group for everything that can't be reclaimed: memory that processes have
written to, shared memory, files without a name, socket and pipe buffers.  That count is exact and costs microseconds,
so it is read more often the nearer it is to the limit.  It has to be noticed here: when the container's own limit is
reached, the kernel may kill any process, even the warden, since a program can lower its own OOM score.

Elsewhere there are two counts.  The cheaper comes first, and is never smaller than the other: the resident pages of all
processes, in which pages shared by forked processes count several times.  The other is their exact sum (PSS), which is
slow: for 150 processes that share a few hundred megabytes it takes seconds.  So it is read in parts, each for as many
processes as fit in a moment, and looking costs at most a tenth of the time.

Standard library only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from grader.sandbox import counts, proc

#: How often the memory of a program far from its limit is checked.
_TICK_S = 0.1
#: How fast several cores together can fill memory: each page is cleared and then written.
_FILLED_IN_A_SECOND = 4 << 30
_SHORTEST_TICK_S = 0.005
#: How long one look may add up exact sums, and so delay a question to the warden.
_PIECE_S = 0.05
#: A look that took a millisecond is followed by nine without one.
_REST_FOR_EACH = 9
#: Where the kernel shows what a container is charged with, and for what: cgroup v2, then v1.
_CHARGED = (
    ("memory.current", "memory.stat"),
    ("memory/memory.usage_in_bytes", "memory/memory.stat"),
)
#: What can be given back, of the kernel's table: files that lie on a disk, and what it remembers of folders.
_GIVEN_BACK = frozenset({b"active_file", b"inactive_file", b"slab_reclaimable"})


class MemoryWatch:
    """Watches the memory of one program after another.

    `charged`: whether this sandbox has its own control group.  `places`: its file systems in memory, whose files
    have a limit of their own.
    """

    def __init__(self, limit_bytes: int, *, charged: bool, places: Iterable[str]) -> None:
        self._limit_bytes = limit_bytes
        self._charged = charged
        self._places = tuple(places)
        self._due = 0.0
        self._exact: dict[int, int] = {}

    def wait_s(self) -> float:
        """How long until it is time to look."""
        return max(0.0, self._due - time.monotonic())

    def exceeded(self, pids: Callable[[], Iterable[int]]) -> bool:
        """Whether all these processes together use more than they may; False also if it is not time to look."""
        began = time.monotonic()
        if began < self._due:
            return False
        if self._charged:
            left = self._limit_bytes - _charged_bytes(self._limit_bytes, self._places)
            tick_s = min(_TICK_S, max(_SHORTEST_TICK_S, left / _FILLED_IN_A_SECOND))
            found = left < 0
        else:
            tick_s, found = _TICK_S, self._look(pids, began)
        now = time.monotonic()
        self._due = now + max(tick_s, _REST_FOR_EACH * (now - began))
        return found

    def _look(self, pids: Callable[[], Iterable[int]], began: float) -> bool:
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


def _charged_bytes(enough: int, places: Iterable[str]) -> int:
    """What the container is charged with that is the program's; of less than `enough` the first count, which is larger.

    Raises:
        OSError: the kernel shows no control group.
    """
    for count, table in _CHARGED:
        if os.path.exists(f"{counts.GROUP}/{count}"):
            return _programs_part(int(_read(count)), table, enough, places)
    raise OSError("the kernel shows no control group")


def _programs_part(charged: int, table: str, enough: int, places: Iterable[str]) -> int:
    if charged <= enough:
        return charged
    lines = (line.split() for line in _read(table).splitlines())
    charged -= sum(int(size) for name, size in lines if name in _GIVEN_BACK)
    for place in places:
        system = os.statvfs(place)
        charged -= system.f_frsize * (system.f_blocks - system.f_bfree)
    return charged - proc.resident_bytes(os.getpid())


def _read(name: str) -> bytes:
    with open(f"{counts.GROUP}/{name}", "rb") as file:
        return file.read()
