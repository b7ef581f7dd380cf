"""One started process: its descriptors, what it prints, and how it ended.

What it prints must be read while it runs, or it would block; whoever waits for anything therefore calls `pump`.  It is
kept up to a limit, and more than a program can mean to print is its fault.  What the whole program does, all its
processes together, is told by `looks.py`.
"""

from __future__ import annotations

import errno
import math
import os
import select
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from grader.errors import Reason
from grader.limits import KERNEL_S, MOST_DESCRIPTORS, SandboxLimits
from grader.link.channel import ChannelClosedError
from grader.model import EventKind
from grader.wire import traces
from grader.wire.budget import Budget
from grader.wire.endings import describe_ending
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError
from grader.wire.transcript import Transcript
from grader.wire.warden import Ending, Started, WardenClient, WardenError

#: What repr() makes of a byte: four characters, and another program's log line besides.
_PRINTED_BY_BYTE = 8
#: How much is kept of a client's output: a reply of a mebibyte, several times.
_MOST_OUTPUT_BYTES = 16 << 20
#: How a place was found that its own words name.
FROM_ITS_TRACE: Final = "from its trace"
#: A reader needs one place or two.
MOST_PLACES = 2
#: What a program's place is asked for, where it is at fault for something else than what it has not done.
_ABOUT: Final[dict[Reason, str]] = {
    **dict.fromkeys((Reason.WRONG_REPLY, Reason.EXTRA_REPLY, Reason.WRONG_REQUEST, Reason.EXTRA_REQUEST), "done"),
    **dict.fromkeys((Reason.EARLY_REPLY, Reason.WRONG_SOURCE, Reason.CLOSED_EARLY, Reason.RESET), "done"),
    Reason.MEMORY_GROWS: "done",
    **dict.fromkeys((Reason.THREAD_LEAK, Reason.PROCESS_LEAK), "left"),
}


@dataclass
class Output:
    """What a program printed on one stream: the beginning of it, and how much it was."""

    kept_bytes: int
    data: bytearray = field(default_factory=bytearray)
    size_bytes: int = 0

    @property
    def overfull(self) -> bool:
        """Whether more was printed than was kept."""
        return self.size_bytes > len(self.data)

    def add(self, chunk: bytes) -> None:
        """Keep what still fits."""
        self.size_bytes += len(chunk)
        self.data += chunk[: max(0, self.kept_bytes - len(self.data))]


@dataclass(frozen=True)
class ForCheck:
    """What a check brings along for the program that it is played with.

    `give_up_at`: when waiting is cut short, whatever the program does (time.monotonic).  `budget`: where it is counted
    what the program uses up of the time for its checks.
    """

    transcript: Transcript
    give_up_at: float = math.inf
    budget: Budget = field(default_factory=Budget)


class Process:
    """A program's first process.  `name`: its name in the transcript.

    `running`: all that run now.  What the others print is read while this one is waited for: one whose output nobody
    reads blocks, and keeps those waiting that it talks to.
    """

    def __init__(
        self,
        started: Started,
        warden: WardenClient,
        check: ForCheck,
        limits: SandboxLimits,
        *,
        keep_all: bool = False,
        name: str = "program",
        running: Callable[[], Iterable[Process]] = tuple,
    ) -> None:
        self.pid = started.pid
        self.name = name
        self._running = running
        self.started = started
        self.warden = warden
        self._check = check
        self.limits = limits
        # What a client prints is what it is judged by.
        self.stdout = Output(_MOST_OUTPUT_BYTES if keep_all else limits.output_kept_bytes)
        self.stderr = Output(limits.output_kept_bytes)
        self._readers = {started.stdout: self.stdout, started.stderr: self.stderr}
        for descriptor in self._readers:
            os.set_blocking(descriptor, False)
        self._open = {started.pidfd, started.stdin, started.stdout, started.stderr}
        if started.terminal is not None:
            self._open.add(started.terminal)
        self._ending: Ending | None = None
        #: Bytes that it was sent; one that prints what it reads may print them all, escaped.
        self._told_bytes = 0
        #: Where what it has printed in this check begins, on standard output and on stderr.
        self._check_from = (0, 0)

    @property
    def transcript(self) -> Transcript:
        """Of the check that is played with it."""
        return self._check.transcript

    def serve_check(self, check: ForCheck) -> None:
        """Another check begins with it: what it has printed until now belongs to those before."""
        with suppress(FaultError):  # a flood is told when it goes on
            self.catch_up()
        self._check = check
        self._check_from = len(self.stdout.data), len(self.stderr.data)

    def printed_in_check(self) -> tuple[bytes, bytes]:
        """What it has printed since its check began, on standard output and on stderr, as far as that was read."""
        out_from, err_from = self._check_from
        return bytes(self.stdout.data[out_from:]), bytes(self.stderr.data[err_from:])

    def locate(self, error: BaseException | None) -> None:
        """If that is a fault of a program that runs, find out where in its source it is now, before anything else.

        Or, of one that was followed, where it did what is to be found out.  It has been stopped and looked at from
        outside, so it must not be used any more.
        """
        if not isinstance(error, FaultError) or error.places is not None:
            return
        about = _ABOUT.get(error.reason, "lacking")
        if self.warden.follows:
            with suppress(WardenError, ChannelClosedError):
                error.places = self.warden.followed()
        elif error.doing or about == "done":
            error.places = ()
            if self.ending() is None:
                with suppress(WardenError, ChannelClosedError):
                    error.seen = self._seen_together()
                    error.places = self.warden.places(about)

    def _seen_together(self) -> Snapshot | None:
        """What all programs do now; None if this is the only one, of which that is known already."""
        several = len([*self._running()]) > 1
        return self.warden.snapshot(files=True, most_files=MOST_DESCRIPTORS.anyhow) if several else None

    def trace(self, error: FaultError) -> None:
        """Put the place first that a trace names which it has printed in this check: it says what went wrong."""
        with suppress(FaultError):  # a flood is told elsewhere
            self.catch_up()
        printed, complained = self.printed_in_check()
        frames = traces.frames(complained) or traces.frames(printed)
        with suppress(WardenError, ChannelClosedError):
            named = (replace(place, how=FROM_ITS_TRACE) for place in self.warden.places_told(frames))
            error.places = (*named, *(error.places or ()))[:MOST_PLACES]

    def told(self, size_bytes: int) -> None:
        """It was sent or typed so many bytes, which it may print."""
        self._told_bytes += size_bytes

    def close(self) -> None:
        """Let go of its descriptors (the program itself is killed by the warden)."""
        while self._open:
            os.close(self._open.pop())
        self._readers.clear()

    def close_input(self) -> None:
        """End its standard input, if that is a pipe."""
        if self.started.stdin in self._open:
            self._open.remove(self.started.stdin)
            os.close(self.started.stdin)

    def pump(self, timeout_s: float, watched: Collection[int] = ()) -> None:
        """Read what it prints; return when something happens on a watched descriptor, or after the time."""
        poll = select.poll()
        for descriptor in (*self._readers, *watched):
            poll.register(descriptor, select.POLLIN)
        if not self._ending:
            poll.register(self.started.pidfd, select.POLLIN)
        # A time that is over already is none at all: poll(2) takes a negative one as forever.
        for descriptor, _ in poll.poll(max(0.0, timeout_s) * 1000):
            if descriptor in self._readers:
                self._read_output(descriptor)
        for other in self._others():
            other.catch_up()

    def _others(self) -> Iterator[Process]:
        return (process for process in self._running() if process is not self)

    def _read_output(self, descriptor: int) -> None:
        try:
            chunk = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # what a terminal's master says when the program's side is closed
                raise
            chunk = b""
        if not chunk:
            del self._readers[descriptor]
            return
        stream = self._readers[descriptor]
        if not stream.overfull:
            self.transcript.add(EventKind.OUTPUT, self.name, self._stream_name(descriptor), chunk)
        stream.add(chunk)
        if stream.size_bytes > self.limits.output_flood_bytes + _PRINTED_BY_BYTE * self._told_bytes:
            raise FaultError(Reason.OUTPUT_FLOOD, f"the program printed more than {stream.size_bytes >> 20} MiB")

    def _stream_name(self, descriptor: int) -> str:
        return "stderr" if descriptor == self.started.stderr else "standard output"

    def holds_output(self) -> bool:
        """Whether something is left to be read of what it has printed, or another one that runs.

        Then it may sleep until there is room for more, in a call that does not tell so: who prints by an event loop
        waits in epoll_wait(2), as Node does.
        """
        poll = select.poll()
        for process in (self, *self._others()):
            for descriptor in process._readers:  # noqa: SLF001 — a process like this one
                poll.register(descriptor, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def catch_up(self) -> None:
        """Read everything it has printed so far; what other processes hold open is read as far as it has come.

        A terminal's bytes are passed on by a kernel worker, but reading or polling makes that happen first
        (tty_buffer_flush_work in n_tty_read and n_tty_poll of drivers/tty/n_tty.c).
        """
        for descriptor in list(self._readers):
            before = -1
            while descriptor in self._readers and self._readers[descriptor].size_bytes != before:
                before = self._readers[descriptor].size_bytes
                self._read_output(descriptor)

    def ending(self) -> Ending | None:
        """How it ended, or None while it runs."""
        if self._ending is None and self.has_ended():
            self._ending = self._how_it_ended()
            self.catch_up()
            self.transcript.add(EventKind.EXITED, self.name, describe_ending(self._ending))
        return self._ending

    def _how_it_ended(self) -> Ending:
        """What the kernel keeps about an exited process, whatever may have kept the warden from reaping it (ptrace(2)).

        Raises:
            WardenError: it can't be had.
        """
        until = time.monotonic() + KERNEL_S
        while (ending := self.warden.ending(self.pid)) is None:  # we may know of its end a moment earlier
            if time.monotonic() > until:
                raise WardenError(f"process {self.pid} has exited, and the kernel does not say how")
        return ending

    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self.started.pidfd, select.POLLIN)
        return bool(poll.poll(0))
