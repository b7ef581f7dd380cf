"""The processes of a local sandbox, which start before it is known what is to be graded.

Loading their libraries takes most of the time of a short grading, and so does loading the command's: both happen at the
same time if the command starts these processes first.  So this module, which does that, imports next to nothing.
"""

from __future__ import annotations

import itertools
import os
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from grader.errors import CannotJudgeError
from grader.sandbox.interpreter import python_module

if TYPE_CHECKING:
    from grader.sandbox.fork_server import ForkServer

_TAIL_BYTES = 2000
#: Names the sandbox where no option does.
SANDBOX_VARIABLE = "GRADER_SANDBOX"


@contextmanager
def begun(arguments: Sequence[str]) -> Iterator[Nest | None]:
    """A nest that is starting, if the command's arguments make it certain that it will be used.

    None for all other arguments: they are parsed later, and then a sandbox is chosen.  None also if it can't be
    started: whoever needs it tries again, and reports why.
    """
    with ExitStack() as stack:
        nest = None
        if wants_local(arguments):
            with suppress(CannotJudgeError, OSError):
                nest = stack.enter_context(Nest())
        yield nest


def wants_local(arguments: Sequence[str]) -> bool:
    """Whether the arguments, or else the environment, ask for `check` in the local sandbox."""
    chosen = [after for option, after in itertools.pairwise(arguments) if option == "--sandbox"]
    chosen += [option.removeprefix("--sandbox=") for option in arguments if option.startswith("--sandbox=")]
    chosen = chosen or [os.environ.get(SANDBOX_VARIABLE, "")]
    return arguments[:1] == ["check"] and chosen == ["local"]


class _First(Protocol):
    """A sandbox's first process."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """What is written there it reads."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes can be read there."""

    def wait(self) -> object:
        """Until it has exited."""


class _Fork(NamedTuple):
    """One that is no child of ours."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    pidfd: int

    def wait(self) -> None:
        ending = select.poll()
        ending.register(self.pidfd, select.POLLIN)
        ending.poll()


class Nest:
    """The processes of one sandbox.  A context manager: none of them outlives it, used or not."""

    def __init__(self, server: ForkServer | None = None) -> None:
        """`server`: forks the first of them, if it can."""
        self._server = server

    def __enter__(self) -> Self:
        job, self.job = os.pipe()
        self.words, words_end = os.pipe()
        self._complaints = os.memfd_create("grader-complaints")
        fork = _forked(self._server, self._complaints, job, words_end) if self._server else None
        self._process: _First = fork or _started(
            [*python_module("grader.sandbox.nest"), str(job), str(words_end), "grader.driver.__main__"],
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

    def tell_warden(self, words: bytes) -> None:
        """Hand over what the warden waits for (BrokenPipeError: it is gone)."""
        assert self._process.stdin is not None  # noqa: S101 — asked for above
        self._process.stdin.write(words)
        self._process.stdin.flush()

    def answer(self) -> bytes:
        """Its description of the place that it has made; empty if it is gone."""
        assert self._process.stdout is not None  # noqa: S101 — asked for above
        return self._process.stdout.readline()

    def tell_driver(self, words: bytes) -> None:
        """Hand over what the driver waits for, which is everything (BrokenPipeError: it is gone)."""
        job, self.job = self.job, -1
        with os.fdopen(job, "wb") as mouth:
            mouth.write(words)

    def broken(self) -> CannotJudgeError:
        """Why it is gone."""
        self._process.wait()
        return CannotJudgeError(f"the local sandbox exited unexpectedly{_tail_of(self._complaints)}")

    def end(self) -> None:
        """Let it exit, which takes a moment."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        pidfd = self._process.pidfd if isinstance(self._process, _Fork) else -1
        for descriptor in (self.job, self.words, self._complaints, pidfd):
            if descriptor >= 0:
                os.close(descriptor)


def _forked(server: ForkServer, complaints: int, job: int, words: int) -> _Fork | None:
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    try:
        pidfd = server.fork((theirs_in, theirs_out, complaints, job, words))
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    if pidfd is None:
        os.close(ours_in)
        os.close(ours_out)
        return None
    return _Fork(os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"), pidfd)


def _started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise CannotJudgeError(f"the local sandbox can't be started: {error}") from error


def _tail_of(complaints: int) -> str:
    """The last line of a process's complaints, as the end of a sentence; empty if there are none."""
    size = os.lseek(complaints, 0, os.SEEK_END)
    text = os.pread(complaints, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", "replace").strip()
    return f": {text.splitlines()[-1]}" if text else ""
