"""What both sandboxes need on the host's side: the warden's settings, and reading the driver's words."""

from __future__ import annotations

import io
import os
import select
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from grader.errors import CannotJudgeError
from grader.job import Finished, Job, Word
from grader.limits import BUILD_STALLED, HOST_GRACE_S, KERNEL_S, LAST_CHECK_S, WHOLE_GIVEN_BACK, SandboxLimits
from grader.link.settings import UNPRIVILEGED_ID, Settings
from grader.model import PARTS

#: The folders for caches and for the assignment's files in a container.
CACHES: Final = "/cache"
FILES: Final = "/files"
#: Where tools keep what they can make again, and Go what it makes on its way: variable -> folder below that for caches.
_CACHES_OF_TOOLS: Final = {
    "XDG_CACHE_HOME": "",
    "GOCACHE": "go-build",
    "GOTMPDIR": "",
    "GRADLE_USER_HOME": "gradle",
    "npm_config_cache": "npm",
}
#: A server and a client.
_PROGRAMS = 2


class Sandbox(Protocol):
    """One grading's sandbox, as the flow sees it.  A context manager: nothing is left of it afterwards."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def open(self) -> None:
        """Hand over the submission, so that a program could be started (CannotJudgeError: it does not start)."""

    @property
    def private_network(self) -> bool:
        """Whether nobody else uses its network namespace."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the place where programs are built and run, PATH among them."""

    @property
    def own_image(self) -> bool:
        """Whether programs run in an image of the user's own, of which nobody here knows what is installed in it."""

    @property
    def words(self) -> str:
        """Its description for reports."""

    @property
    def files(self) -> str:
        """Where the assignment's files are, as the program sees them; empty if it has none."""

    @property
    def images(self) -> Mapping[str, str]:
        """Ids of the images that its containers were made from, by target; none without containers."""

    def play(self, job: Job) -> Iterator[Word]:
        """Grade; yields each of the driver's words as it comes (CannotJudgeError: it exited unexpectedly)."""


def cache_variables(folder: str) -> dict[str, str]:
    """The variables that lead tools to a folder for caches, which is emptied after building."""
    return {name: os.path.join(folder, below) for name, below in _CACHES_OF_TOOLS.items()}  # noqa: PTH118 — no path of ours


def settings_of(limits: SandboxLimits, *, has_files: bool = False) -> Settings:
    """The warden's settings as far as the host knows them.  `has_files`: whether files are laid beside the program."""
    return {
        "uid": UNPRIVILEGED_ID,
        "gid": UNPRIVILEGED_ID,
        "work": "/work",
        "places": ["/work", "/tmp", "/dev/shm", CACHES],  # noqa: S108 — in the container
        "caches": CACHES,
        "files": FILES if has_files else "",
        "private_pids": True,
        "own_cgroup": False,
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "open_files": limits.open_files,
        "disk_bytes": limits.disk_bytes,
        "disk_files": limits.disk_files,
        "patience_s": KERNEL_S,
    }


def packed(files: Mapping[str, bytes]) -> bytes:
    """An assignment's files, by their paths, as a tar that the warden unpacks."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def patience_s(limits: SandboxLimits) -> float:
    """After this time, a driver that has not finished never will."""
    building_s = _PROGRAMS * (1 + BUILD_STALLED) * limits.build_s
    checks_s = len(PARTS) * ((1 + WHOLE_GIVEN_BACK) * limits.whole_s + LAST_CHECK_S)
    return building_s + checks_s + HOST_GRACE_S


def lines_of(descriptor: int, limits: SandboxLimits) -> Iterator[bytes]:
    """Complete lines from a descriptor, until end of file or until patience runs out."""
    deadline = time.monotonic() + patience_s(limits)
    rest = b""
    while True:
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def words_of(lines: Iterator[bytes], broken: Callable[[], CannotJudgeError]) -> Iterator[Word]:
    """The driver's words, up to `Finished`; `broken` makes the error if they end before it."""
    for line in lines:
        word = msgspec.json.decode(line, type=Word)
        yield word
        if isinstance(word, Finished):
            return
    raise broken()
