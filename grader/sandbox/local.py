"""The sandbox without an engine: the same driver and warden as child processes, in namespaces where the kernel allows.

It does not protect the machine from the program; it is for one's own code.  Without namespaces only users separate the
program from the grader, and where they can't, its marks are not protected either: `words` says so.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import msgspec

from grader.errors import CannotJudgeError
from grader.job import Job, Word
from grader.limits import SandboxLimits
from grader.link import hidden
from grader.link.channel import pack
from grader.sandbox.host import cache_variables, lines_of, python_module, settings_of, tail_of, words_of

#: By which toolchains find their own parts, where these lie elsewhere than usual.
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
#: What it is, for reports: with namespaces, or without them by whether the program has a user of its own.
IN_NAMESPACES: Final = "local, in namespaces of its own"
WITHOUT_NAMESPACES: Final = {
    True: "local, without namespaces of its own, the program under a user of its own",
    False: "local, without namespaces of its own: marks are not protected from the program here",
}


class LocalSandbox:
    """One grading's processes.  A context manager: none of them outlives it."""

    images: Mapping[str, str] = MappingProxyType({})

    def __init__(self, limits: SandboxLimits, archive: bytes) -> None:
        self._limits = limits
        self._archive = archive
        self._complaints = os.memfd_create("grader-complaints")
        self._private = False
        self._own_user = False
        self._caches = ""

    def __enter__(self) -> Self:
        job, self._job = os.pipe()
        self._words, words_end = os.pipe()
        command = [*python_module("grader.sandbox.nest"), str(job), str(words_end)]
        self._nest = _started(
            [*command, *python_module("grader.driver")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            pass_fds=(job, words_end),
            start_new_session=True,
            cwd="/",
        )
        os.close(job)
        os.close(words_end)
        return self

    def open(self) -> None:
        """Hand over the submission.

        Raises:
            CannotJudgeError: the sandbox does not come up.
        """
        assert self._nest.stdin is not None  # noqa: S101 — asked for above
        assert self._nest.stdout is not None  # noqa: S101
        try:
            self._nest.stdin.write(pack(json.dumps(settings_of(self._limits)).encode()) + pack(self._archive))
            self._nest.stdin.flush()
        except BrokenPipeError:
            raise self._broken() from None
        answer = self._nest.stdout.readline()
        if not answer:
            raise self._broken()
        made = json.loads(answer)
        self._private, self._own_user, self._caches = made["private"], made["own_user"], made["caches"]
        if not self._private:
            hidden.hide()  # this process knows the assignment and the seed

    @property
    def private_network(self) -> bool:
        """Whether nobody else uses the network namespace."""
        return self._private

    @property
    def environment(self) -> Mapping[str, str]:
        """Where its user's shell would look for programs, and what its tools need to find their own parts."""
        own = {name: os.environ[name] for name in _OF_TOOLCHAINS if name in os.environ}
        return {**cache_variables(self._caches), **_RUSTUP, **own, "PATH": os.environ.get("PATH", os.defpath)}

    @property
    def words(self) -> str:
        """What it is, for reports."""
        return IN_NAMESPACES if self._private else WITHOUT_NAMESPACES[self._own_user]

    def play(self, job: Job) -> Iterator[Word]:
        """Hand over the job; what the driver says, line by line."""
        with os.fdopen(self._job, "wb") as mouth:
            mouth.write(pack(msgspec.json.encode(job)))
        self._job = -1
        yield from words_of(lines_of(self._words, self._limits), self._broken)

    def _broken(self) -> CannotJudgeError:
        self._nest.wait()
        return CannotJudgeError(f"the local sandbox ended before its time{tail_of(self._complaints)}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._nest.stdin, self._nest.stdout):
            if stream is not None:
                stream.close()
        self._nest.wait()
        for descriptor in (self._job, self._words, self._complaints):
            if descriptor >= 0:
                os.close(descriptor)


def _started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise CannotJudgeError(f"the local sandbox can't be started: {error}") from error
