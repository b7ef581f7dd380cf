"""The sandbox without an engine: the same driver and warden as child processes, in namespaces if the kernel allows it.

It does not protect the machine from the program; it is for your own code.  Without namespaces, only users separate the
program from the grader, and if they can't, its marks are not protected either: `words` says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

import msgspec

from grader.assignment import Assignment
from grader.job import Job, Word
from grader.link import hidden
from grader.link.channel import pack
from grader.sandbox import fork_server
from grader.sandbox.begun import Nest
from grader.sandbox.host import cache_variables, lines_of, packed, settings_of, words_of

#: Where toolchains look for their own parts, if these are in unusual places.
_OF_TOOLCHAINS: Final = (
    "JAVA_HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOROOT",
    "GOPATH",
    "GOFLAGS",
    "NODE_PATH",
    "DOTNET_ROOT",
)
#: rustup looks for its toolchains below HOME, which is a program's own here.
_RUSTUP: Final = {"RUSTUP_HOME": str(Path.home() / ".rustup")} if (Path.home() / ".rustup").is_dir() else {}
#: Its description for reports: with namespaces; without them, by whether the program has a user of its own.
IN_NAMESPACES: Final = "local, in namespaces of its own"
WITHOUT_NAMESPACES: Final = {
    True: "local, without namespaces of its own; the program runs as its own user",
    False: "local, without namespaces of its own: marks are not protected from the program here",
}


class LocalSandbox:
    """One grading's processes.  A context manager: none of them outlives it, or the given nest."""

    images: Mapping[str, str] = MappingProxyType({})
    own_image = False

    def __init__(self, assignment: Assignment, archive: bytes, nest: Nest | None = None) -> None:
        """`nest`: has started already, and exits with its owner."""
        self._limits = assignment.limits
        self._archive = archive
        self._files = assignment.beside
        self.files = ""
        self._begun = nest
        self._own = ExitStack()
        self._private = False
        self._own_user = False
        self._caches = ""

    def __enter__(self) -> Self:
        self._nest = self._begun or self._own.enter_context(Nest(fork_server.current()))
        return self

    def open(self) -> None:
        """Hand over the submission.

        Raises:
            CannotJudgeError: the sandbox does not start.
        """
        try:
            settings = settings_of(self._limits, has_files=bool(self._files))
            words = (json.dumps(settings).encode(), packed(self._files), self._archive)
            self._nest.tell_warden(b"".join(map(pack, words)))
        except BrokenPipeError:
            raise self._nest.broken() from None
        answer = self._nest.answer()
        if not answer:
            raise self._nest.broken()
        made = json.loads(answer)
        self._private, self._own_user, self._caches = made["private"], made["own_user"], made["caches"]
        self.files = made["files"] if self._files else ""
        if not self._private:
            hidden.hide()  # this process knows the assignment and the seed

    @property
    def private_network(self) -> bool:
        """Whether nobody else uses the network namespace."""
        return self._private

    @property
    def environment(self) -> Mapping[str, str]:
        """Where its user's shell would look for programs, and what tools need to find their own parts."""
        own = {name: os.environ[name] for name in _OF_TOOLCHAINS if name in os.environ}
        return {**cache_variables(self._caches), **_RUSTUP, **own, "PATH": os.environ.get("PATH", os.defpath)}

    @property
    def words(self) -> str:
        """Its description for reports."""
        return IN_NAMESPACES if self._private else WITHOUT_NAMESPACES[self._own_user]

    def play(self, job: Job) -> Iterator[Word]:
        """Hand over the job; what the driver says, line by line."""
        try:
            self._nest.tell_driver(pack(msgspec.json.encode(job)))
        except BrokenPipeError:
            raise self._nest.broken() from None
        yield from words_of(lines_of(self._nest.words, self._limits), self._nest.broken)
        self._nest.end()  # while the report is made

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.close()
