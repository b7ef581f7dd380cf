"""The driver's side of the conversation with the warden: one method per question, typed answers."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import msgspec

from grader.link.channel import Channel
from grader.wire.facts import ProcessFacts, Snapshot, as_if_alone
from grader.wire.faults import Place
from grader.wire.stillness import Timed

#: More files than any program can open.
_ANY_NUMBER = 1 << 40
NO_FILES: Final[Mapping[str, bytes]] = {}


@dataclass(frozen=True)
class Started:
    """A running program: its pid in the sandbox and its descriptors, which are the owner's to close.

    `terminal`: the program's side of its terminal, opened for us; None when it runs on pipes.  `not_before_ns`: it was
    started after that (CLOCK_MONOTONIC).
    """

    pid: int
    pidfd: int
    stdin: int
    stdout: int
    stderr: int
    terminal: int | None = None
    not_before_ns: int = 0


@dataclass(frozen=True)
class Ending:
    """How a program ended.  `status` >= 0: exit status; < 0: minus the signal's number."""

    status: int
    out_of_memory: bool


@dataclass(frozen=True)
class WorkFolder:
    """What lies in the folder that programs live in.

    `programs`: the files that can be executed and are made for that, by relative name, each with what the kernel tells
    of its content (inode, time of change, size).
    """

    programs: dict[str, tuple[int, int, int]]

    def made_since(self, before: WorkFolder) -> list[str]:
        """The programs that were not there then, or are other ones now."""
        return [name for name, seen in self.programs.items() if before.programs.get(name) != seen]


class CannotStartError(Exception):
    """The program's file is missing or can't be executed; the kernel's words."""


class CannotKeepError(Exception):
    """Building has left more behind than can be restored before each start; why."""


class NoFileError(Exception):
    """A path leads to no file that can be read or written; why, as the end of a sentence about it."""


class WardenError(Exception):
    """The warden could not do what was asked: our fault or the sandbox's."""


def path_below(path: str) -> str:
    """A path (ValueError: it leads out of the folder that it is in)."""
    if not path or any(name in {"", ".", ".."} or "\0" in name for name in path.split("/")):
        raise ValueError(f"{path!r} is not a path below the folder that a program runs in")
    return path


class WardenClient:
    """Asks the warden."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        #: Whether the program that was started last is followed by a tracer of ours.
        self.follows = False
        #: For how long we have kept the program stopped so far.
        self.stopped_s = 0.0
        self._stopping_at: float | None = None

    def _ask(self, question: str, **fields: Any) -> tuple[dict[str, Any], list[int]]:
        self._channel.send({"ask": question, **fields})
        return self._channel.receive()

    def _answer(self, question: str, **fields: Any) -> dict[str, Any]:
        answer, _ = self._ask(question, **fields)
        if "error" in answer:
            message = f"{question}: {answer['error']}"
            raise WardenError(message)
        return answer

    def work_folder(self) -> WorkFolder:
        """The work folder as it is now."""
        return msgspec.convert(self._answer("work_folder"), WorkFolder)

    def lacking(self, commands: tuple[str, ...], path: str) -> tuple[str, ...]:
        """Those of some commands that a program does not find in these folders."""
        return tuple(self._answer("lacking", commands=commands, path=path)["lacking"]) if commands else ()

    def places(self, about: str) -> tuple[Place, ...]:
        """Where the program is in its own source, as far as tools can tell; it must not be used any more afterwards.

        `about`: what it is at fault for (`About` of `sandbox/sources.py`).
        """
        return msgspec.convert(self._answer("places", about=about)["places"], tuple[Place, ...])

    def places_told(self, frames: list[tuple[str, str, int]]) -> tuple[Place, ...]:
        """The first of these places, as (function, file, line), that is in a file of the program's own; or none."""
        return (
            msgspec.convert(self._answer("places_told", frames=frames)["places"], tuple[Place, ...]) if frames else ()
        )

    def followed(self) -> tuple[Place, ...]:
        """Where the program has crashed, or done what it was followed for; or none.

        Asked before it is ended; it must not be used any more afterwards.
        """
        return msgspec.convert(self._answer("followed")["places"], tuple[Place, ...])

    def may_lose_a_child(self, pid: int) -> bool:
        """Whether a child process of this one may have crashed without a word."""
        return bool(self._answer("may_lose_a_child", pid=pid)["may"])

    def remember(self) -> None:
        """Building is done: from now on a program that is started afresh finds everything as it is now.

        Raises:
            CannotKeepError: that is too much.
            WardenError: the warden failed.
        """
        answer, _ = self._ask("remember")
        if answer.get("ours"):
            message = f"remember: {answer['error']}"
            raise WardenError(message)
        if "error" in answer:
            raise CannotKeepError(answer["error"])

    def read_file(self, path: str, most_bytes: int) -> bytes:
        """A file of the work folder, by its path there, read as the program's user and without following links.

        Raises:
            NoFileError: there is none that can be read, or it is larger.
        """
        answer = self._answer("read_file", path=path_below(path), most_bytes=most_bytes)
        if "none" in answer:
            raise NoFileError(answer["none"])
        return base64.b64decode(answer["content"])

    def write_file(self, path: str, content: bytes) -> None:
        """Make a file in the work folder, or replace its content, as the program's user and without following links.

        Raises:
            NoFileError: it can't be made.
        """
        answer = self._answer("write_file", path=path_below(path), content=base64.b64encode(content).decode())
        if "none" in answer:
            raise NoFileError(answer["none"])

    def start(
        self,
        argv: tuple[str, ...],
        environment: dict[str, str],
        *,
        terminal: bool,
        echo: bool = True,
        piped: bool = False,
        afresh: bool = False,
        lay: Mapping[str, bytes] = NO_FILES,
        followed: str = "",
    ) -> Started:
        """Start a program, on a terminal (stdin and stdout; stderr is a pipe) or on three pipes.

        `piped`: its stdout is a pipe too, even if its stdin is a terminal.
        `afresh`: nothing runs, and what earlier ones have written is restored to what it was after building.
        `lay`: files that it finds in its work folder besides, by path there.
        `followed`: until it crashes or does that (`Deed` of `sandbox/deeds.py`), so that `followed` can be asked.

        Raises:
            CannotStartError: it can't be executed.
            WardenError: the warden failed, before it came to that.
        """
        not_before_ns = time.monotonic_ns()
        laid = {path_below(path): base64.b64encode(content).decode() for path, content in lay.items()}
        how = {"terminal": terminal, "echo": echo, "piped": piped, "afresh": afresh, "followed": followed or None}
        answer, descriptors = self._ask("start", argv=argv, environment=environment, lay=laid, **how)
        if answer.get("ours"):
            message = f"start: {answer['error']}"
            raise WardenError(message)
        if "error" in answer:
            raise CannotStartError(answer["error"])
        self.follows = bool(followed)
        return replace(Started(answer["pid"], *descriptors), not_before_ns=not_before_ns)

    def ending(self, pid: int) -> Ending | None:
        """How a program ended, or None while it runs."""
        answer = self._answer("status", pid=pid)
        return None if answer["status"] is None else Ending(answer["status"], answer["out_of_memory"])

    def refused_processes(self) -> bool:
        """Whether the program that was started last wanted more processes and threads than allowed."""
        return cast("bool", self._answer("refused_processes")["refused"])

    def snapshot(self, *, files: bool = False, most_files: int = _ANY_NUMBER) -> Snapshot:
        """What all processes do now; with `files`, what they have open, up to so many files of all of them."""
        answer = self._answer("snapshot", files=files, most_files=most_files)
        seen = msgspec.convert(answer["processes"], tuple[ProcessFacts, ...])
        return tuple(map(as_if_alone, seen)) if self.follows else seen

    def cpu_s(self) -> float:
        """Seconds that the program has been on a CPU, with what has ended since; only how they grow has a meaning."""
        return float(self._answer("cpu_time")["ns"]) / 1e9

    def socket_timeouts(self, sockets: list[tuple[int, int]]) -> Timed:
        """Whether these sockets, by (pid, fd), have timeouts of their own."""
        if not sockets:
            return {}
        return dict(zip(sockets, self._answer("socket_timeouts", sockets=sockets)["timed"], strict=True))

    def small_send_buffers(self, sockets: list[tuple[int, int]]) -> bool:
        """Let these listening sockets, by (pid, fd), and their connections have tiny send buffers; whether they have.

        They are as small as those that a sandbox with a network of its own gives to all sockets.
        """
        return bool(sockets) and cast("bool", self._answer("small_send_buffers", sockets=sockets)["small"])

    def held_bytes(self, descriptors: list[tuple[int, int]]) -> int:
        """What waits in these pipes and sockets, by (pid, fd), as far as the kernel lets the warden look."""
        return cast("int", self._answer("held_bytes", descriptors=descriptors)["bytes"]) if descriptors else 0

    def watched(self, sleepers: list[tuple[int, int, int, str, tuple[int, ...]]]) -> list[list[int] | None]:
        """The descriptors that threads wait to read from, each given as (pid, tid, switches, call, arguments).

        None: not known.
        """
        if not sleepers:
            return []
        return cast("list[list[int] | None]", self._answer("watched", sleepers=sleepers)["watched"])

    def freeze(self) -> bool:
        """Stop the whole program; returns when all of it is stopped, or (False) the kernel can't stop it in time."""
        self._stopping_at = time.monotonic()
        return bool(self._answer("freeze")["stopped"])

    def thaw(self) -> None:
        """Let it continue."""
        self._answer("thaw")
        if self._stopping_at is not None:
            self.stopped_s += time.monotonic() - self._stopping_at
            self._stopping_at = None

    def in_foreground(self, pid: int) -> bool:
        """Whether a process is in the foreground of its terminal: who gets the signals that keys send there."""
        return bool(self._answer("in_foreground", pid=pid)["foreground"])

    def send_signal(self, pid: int, number: int) -> None:
        """Send a signal to a process, or to a process group (minus its number)."""
        self._answer("send_signal", pid=pid, number=number)

    def end(self) -> None:
        """Kill all of the program; returns when nothing is left of it."""
        self._answer("end")
