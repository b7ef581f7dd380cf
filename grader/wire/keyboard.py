"""What types at a program: into its terminal, or through a pipe.

A line is typed only to a program that rests and waits for one, so no wait needs a guess and no prompt a pattern:
whatever it has printed until then is its prompt.
"""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, cast

from grader.errors import Reason
from grader.limits import MOST_TYPED_BYTES, SETTLE_S
from grader.model import EventKind
from grader.wire import terminal
from grader.wire.endings import reason_of
from grader.wire.facts import Snapshot
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.kernel import SocketRow
from grader.wire.program import Program
from grader.wire.stillness import Awaits, Verdict
from grader.wire.waiting import NoProgressError, Why

#: Every program's own terminal (tty(4)), where passwords are read.
_OWN_TERMINAL = "/dev/tty"
_TERMINALS = "/dev/pts/"
#: Ctrl-D.
_END_OF_INPUT = b"\x04"
_SOMETHING = b"hello\n"


class Rest(NamedTuple):
    """How far a program has come: `why` it stopped there, `what` it waits for, and `doing` in words."""

    why: Why
    what: Awaits
    doing: str


class Keyboard:
    """One program's standard input; `polled`: the program looks there from time to time, and never waits for it.

    It is a party to its conversations (`Talk`), so that waiting knows what is on its way.
    """

    AT_TERMINAL = "the keyboard"
    DOWN_A_PIPE = "a pipe"

    def __init__(self, program: Program, *, polled: bool = False) -> None:
        self._program = program
        self._polled = polled
        self.name = self.DOWN_A_PIPE if program.started.terminal is None else self.AT_TERMINAL
        self._stdin = program.started.stdin
        self._terminal = program.started.terminal
        self._its_input = self._find_input(program.snapshot())
        self._typed_bytes = 0
        self._unpoured = memoryview(b"")
        program.talks.meet(self)

    # What waiting asks (`Talk`)

    def row(self) -> SocketRow | None:
        """None: it is not a socket."""
        return None

    def delivered(self) -> bool:
        """Whether nothing is left to be typed that would fit."""
        return not (self._unpoured and self._room())

    def traffic(self) -> tuple[int, ...]:
        """How much of what was typed has left our hands."""
        return (self._typed_bytes - len(self._unpoured),)

    # Waiting for a prompt

    def wait_rest(
        self,
        until: Callable[[], object | None] = lambda: None,
        deadline_s: float | None = None,
        *,
        in_suspense: bool = False,
        hurried: bool = False,
    ) -> Rest | None:
        """Until it waits for a line, or goes no further for another reason; None: `until` gave something before.

        `in_suspense`: a timer of its own may be running for a reply; a program that watches its input and its peer
        together does not wait for a line yet.  `hurried`: no check passes because it waits for anything else.
        """
        most_s = self._program.limits.ready_s if deadline_s is None else deadline_s
        rests = self._reads_nothing_else if in_suspense else self._reads
        looks = self._polled and not in_suspense
        for within_s in self._stages(min(most_s, SETTLE_S) if looks else most_s):
            try:
                self._program.wait(until, [self._program.started.stdout], within_s, rests=rests, hurried=hurried)
                return None
            except NoProgressError as stop:
                rest = self._rest(stop)
            if rest.why is not Why.DEADLINE or rest.what is Awaits.INPUT:
                break
        if rest.why is Why.DEADLINE and rest.what is Awaits.INPUT:
            self._program.spinning.reads_restlessly = True
        polls = looks and rest.why is not Why.ENDED and rest.what is Awaits.OTHER
        return rest._replace(what=Awaits.BOTH) if polls else rest

    def _stages(self, most_s: float) -> tuple[float, ...]:
        """After how long it is asked whether it waits for a line: of one that reads, but never rests, early as well."""
        early = self._program.spinning.reads_restlessly and most_s > SETTLE_S
        return (SETTLE_S, most_s - SETTLE_S) if early else (most_s,)

    def _rest(self, stop: NoProgressError) -> Rest:
        """How far it has come where a wait has ended."""
        if stop.why is Why.ENDED:
            return Rest(stop.why, Awaits.OTHER, stop.doing)
        # Whatever else it does, in another thread or process, may never let it rest.
        return Rest(
            stop.why, self._awaits(self._program.snapshot() if stop.why is Why.DEADLINE else stop.seen), stop.doing
        )

    def is_polled(self) -> bool:
        """Type at a program that never rests, and see whether it reads that anyway."""
        self.type(_SOMETHING)
        try:
            self._program.wait(lambda: self._is_taken() or None, deadline_s=self._program.limits.ready_s)
        except NoProgressError:
            return False
        return True

    def _is_taken(self) -> bool:
        """Whether nothing of what was typed is left to be read."""
        return terminal.unread_bytes(self._stdin if self._terminal is None else self._terminal) == 0

    def wait_prompt(self, deadline_s: float | None = None) -> None:
        """Until it waits for a line.

        Raises:
            FaultError: it does not, and will not.
        """
        __tracebackhide__ = True
        rest = self.wait_rest(deadline_s=deadline_s, hurried=True)
        if rest and rest.what is Awaits.OTHER:
            ending = self._program.ending()
            reason = reason_of(ending) if ending else Reason.NO_PROMPT
            what = "it exited instead of waiting" if ending else "it does not wait"
            raise FaultError(reason, f"{what} for a line to be typed", doing=rest.doing)

    def at_prompt(self) -> bool:
        """Whether it goes no further until a line is typed."""
        rest = self.wait_rest()
        return rest is not None and rest.what is not Awaits.OTHER

    def _reads(self, verdict: Verdict, snapshot: Snapshot) -> bool:
        return self._awaits(snapshot) in {Awaits.INPUT, Awaits.BOTH} and not self._will_read(verdict)

    def _reads_nothing_else(self, verdict: Verdict, snapshot: Snapshot) -> bool:
        return self._awaits(snapshot) is Awaits.INPUT and not self._will_read(verdict)

    def _will_read(self, verdict: Verdict) -> bool:
        """Whether something has come that it may still read, and show, before anything is typed.

        One with a timer may look at its connection whenever that runs out: a thread that sleeps in between, or a read
        of the keyboard that ends after a tenth of a second.
        """
        return verdict is Verdict.TIMER and self._program.talks.has_unread()

    def _awaits(self, snapshot: Snapshot) -> Awaits:
        self._its_input = self._its_input or self._find_input(snapshot)
        own = {self._its_input} if self._terminal is None else {self._its_input, _OWN_TERMINAL}
        return self._program.looks.awaits(snapshot, own)

    def _find_input(self, snapshot: Snapshot) -> str:
        """Where we type as /proc names it; empty while nobody's files can be read, as in the middle of execve(2).

        The first process may have closed its standard input, and left it to a child process.
        """
        own_first = sorted(snapshot, key=lambda each: each.pid != self._program.pid)
        if self._terminal is not None:
            return next((file for each in own_first if (file := each.files.get("0", "")).startswith(_TERMINALS)), "")
        return f"pipe:[{os.fstat(self._stdin).st_ino}]"

    # Typing

    def type(self, data: bytes, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Type bytes, which may hold several lines; `meanwhile`: what else is to be done until a pipe has taken them.

        Raises:
            UnprovedError: the terminal would not pass them on.
        """
        __tracebackhide__ = True
        if self._terminal is not None and max(map(len, data.splitlines()), default=0) >= MOST_TYPED_BYTES:
            raise UnprovedError(f"a terminal accepts no line of more than {MOST_TYPED_BYTES} bytes")
        self._program.transcript.add(EventKind.TYPED, self.name, data=data)
        self._typed_bytes += len(data)
        self._program.told(len(data))
        if self._terminal is None:
            self._pour(data, meanwhile)
        else:
            self._press(data)

    def _press(self, keys: bytes) -> None:
        _press(self._stdin, cast("int", self._terminal), keys)

    def _pour(self, data: bytes, meanwhile: Callable[[], None]) -> None:
        """Through the pipe, as the program reads it."""
        __tracebackhide__ = True
        os.set_blocking(self._stdin, False)
        self._unpoured = memoryview(data)

        def poured() -> bool | None:
            meanwhile()
            try:
                while self._unpoured:
                    self._unpoured = self._unpoured[os.write(self._stdin, self._unpoured) :]
            except BlockingIOError:
                return None
            except BrokenPipeError:  # whoever waits for it sees what comes of that
                pass
            return True

        try:
            self._program.wait(poured, hurried=True)
        except NoProgressError as stop:
            raise FaultError(Reason.NO_PROMPT, "it does not read its standard input", doing=stop.doing) from None
        finally:
            self._unpoured = memoryview(b"")

    def _room(self) -> bool:
        """Whether the pipe takes more, or nobody reads from it any more."""
        poll = select.poll()
        poll.register(self._stdin, select.POLLOUT)
        return bool(poll.poll(0))

    def end_input(self) -> None:
        """Ctrl-D at the beginning of a line, or the end of the pipe."""
        self._program.transcript.add(EventKind.TYPED, self.name, "the end of input")
        if self._terminal is None:
            self._program.close_input()
        elif self._program.ending() is None:
            self._press(_END_OF_INPUT)


def type_ahead(program: Program, keys: bytes) -> None:
    """Type at a program that has just been started, which reads it when it likes, if it ever does.

    At most MOST_TYPED_BYTES, which a terminal keeps for it; Ctrl-D ends what it is.
    """
    stdin, other_side = program.started.stdin, program.started.terminal
    program.transcript.add(EventKind.TYPED, Keyboard.AT_TERMINAL if other_side else Keyboard.DOWN_A_PIPE, data=keys)
    program.told(len(keys))
    if other_side is not None:
        _press(stdin, other_side, keys)
        return
    text, ends, _ = keys.partition(_END_OF_INPUT)
    with suppress(BrokenPipeError):  # it has exited, or closed its standard input, as it may
        os.write(stdin, text)
    if ends:
        program.close_input()


def _press(master: int, other_side: int, keys: bytes) -> None:
    if not termios.tcgetattr(master)[0] & termios.ICRNL:
        keys = keys.replace(b"\n", b"\r")  # what the key Enter sends, which the terminal makes a line end of
    terminal.press(master, other_side, keys)
