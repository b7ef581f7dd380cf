"""What a client is made to do once: a line that is typed into it, or a visit that it makes by itself.

A check that is about neither the keyboard nor the end of input is the same for both, so it is written once, for a
`Task`: have the client ask, answer in some way, and see that it succeeds.  Only how a run goes on differs: several
lines are typed in one run, but each visit is a run of its own (`Clients.each`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, Protocol, cast

from grader.errors import Reason
from grader.harness.basics import Basics
from grader.harness.output import must_be
from grader.harness.session import Session
from grader.limits import MOST_FILE_BYTES
from grader.protocol.reply import Reply, Values
from grader.protocol.script import Answer, ClientProtocol, Entry
from grader.protocol.visit import NO_VISIT, OtherServer, Turn, Visit, VisitProtocol, heard_in, own_words, said
from grader.wire.faults import FaultError
from grader.wire.tcp_server import Peer
from grader.wire.warden import NoFileError


class Task(Protocol):
    """Something that a client does.  `visit`: what it is started with; `typed`: whether lines are typed for it."""

    @property
    def visit(self) -> Visit: ...

    @property
    def typed(self) -> bool: ...

    def begin(self, session: Session[Any]) -> None:
        """Type what makes it act, if anything does."""

    def begin_if_asked(self, session: Session[Any]) -> None:
        """The same for a client that may exit before."""

    def ask(self, session: Session[Any], how: Answer = Answer.WHOLE) -> bytes:
        """It begins, and the server hears what it must; what the server says last, and has not said yet.

        `how`: how the server says what comes before that.
        """

    def must_succeed(self, session: Session[Any]) -> None:
        """It does with the last answer what it must."""

    def take_leave(self, session: Session[Any]) -> None:
        """Have it do with the last answer what it must, and bring its run to an end."""

    def must_have_left(self, session: Session[Any]) -> None:
        """It has exited as it must."""


class TypedTask:
    """A line."""

    visit: Final = NO_VISIT
    typed: Final = True

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def begin(self, session: Session[Any]) -> None:
        """See `Task`."""
        __tracebackhide__ = True
        session.enter(self._entry.line)

    def begin_if_asked(self, session: Session[Any]) -> None:
        """See `Task`."""
        session.enter_if_asked(self._entry.line)

    def ask(self, session: Session[Any], how: Answer = Answer.WHOLE) -> bytes:  # noqa: ARG002 — nothing comes before
        """See `Task`."""
        __tracebackhide__ = True
        self.begin(session)
        session.server.expect(self._entry.request)
        return self._entry.reply

    def must_succeed(self, session: Session[Any]) -> None:
        """See `Task`."""
        __tracebackhide__ = True
        session.output.must_show(self._entry)

    def take_leave(self, session: Session[Any]) -> None:
        """See `Task`."""
        __tracebackhide__ = True
        self.must_succeed(session)
        session.wait_prompt()
        session.keyboard.end_input()

    def must_have_left(self, session: Session[Any]) -> None:
        """See `Task`."""
        __tracebackhide__ = True
        session.must_end_well("at the end of its input")


class VisitTask:
    """A visit: the client acts, prints and writes what it must, and exits as it must."""

    typed: Final = False

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._heard: list[Values] = []

    def begin(self, session: Session[Any]) -> None:
        """See `Task`: it acts by itself once it knows where to connect."""
        __tracebackhide__ = True
        session.tell_where()

    def begin_if_asked(self, session: Session[Any]) -> None:
        """See `Task`."""
        with suppress(FaultError):
            session.tell_where()

    def ask(self, session: Session[Any], how: Answer = Answer.WHOLE) -> bytes:
        """See `Task`; `how`: of those turns that don't say it themselves."""
        __tracebackhide__ = True
        self._heard.clear()
        self.begin(session)
        *before, last = self.visit.turns
        for turn in before:
            words = self._hear(session, turn)
            _say(session.peer_in(turn), words, turn.how if turn.how is not Answer.WHOLE else how)
        return self._hear(session, last)

    def _hear(self, session: Session[Any], turn: Turn) -> bytes:
        """What is said in a turn once it has heard what it must; all but the last part of it has been said."""
        __tracebackhide__ = True
        number = len(self._heard)
        waits = number > 0 and _is_unanswered(self.visit.turns[number - 1])
        peer = session.peer_in(turn)
        hear = peer.expect_after_wait if waits else peer.expect
        self._heard.append(hear(heard_in(turn, self._heard)))
        return _last_of(session, peer, said(turn, self._heard))

    def play(self, session: Session[Any]) -> None:
        """All of it, with a server that answers as each turn says."""
        __tracebackhide__ = True
        if self.visit.turns:
            words, last = self.ask(session), self.visit.turns[-1]
            _say(session.peer_in(last), words, last.how)
        else:
            self.begin(session)
        self.must_succeed(session)
        session.expect_nothing_more()

    def ask_with_last_answer(self, session: Session[Any]) -> None:
        """It asks for everything, and gets the last answer together with the one before it, before asking for it."""
        __tracebackhide__ = True
        self._heard.clear()
        self.begin(session)
        *before, last_but_one, last = self.visit.turns
        for turn in before:
            _say(session.server, self._hear(session, turn), Answer.TOGETHER)
        session.server.answer(self._hear(session, last_but_one) + own_words(said(last, ())), Answer.TOGETHER)
        session.server.expect(heard_in(last, self._heard))

    def ask_again(self, session: Session[Any]) -> bytes:
        """Over UDP it asks once more, after having waited for as long as it must; what answers this datagram."""
        __tracebackhide__ = True
        last = self.visit.turns[-1]
        self._heard[-1] = session.server.expect_after_wait(heard_in(last, self._heard[:-1]))
        return _last_of(session, session.server, said(last, self._heard))

    def play_with(self, session: Session[Any]) -> None:
        """All of it with a server that is not ours: what the client does in the end is judged."""
        __tracebackhide__ = True
        self.begin(session)
        session.must_end_well("when run against your own server", self.visit.status, session.program.limits.give_up_s)
        self._must_have_left_behind(session)

    def must_succeed(self, session: Session[Any], *, after: str = "") -> None:
        """See `Task`; `after`: when it must exit, if its turns don't tell."""
        __tracebackhide__ = True
        if self.visit.hangs_up or session.hangs_up:
            session.hang_up()
        limits = session.program.limits
        situation, deadline_s = after or "after the server's last answer", limits.reply_s
        if not (self.visit.turns or after):
            situation, deadline_s = "after its start", limits.ready_s
        elif self.visit.turns and _is_unanswered(self.visit.turns[-1]):
            situation, deadline_s = "after its last request", limits.give_up_s
        session.must_end_well(situation, self.visit.status, deadline_s)
        self._must_have_left_behind(session)

    def _must_have_left_behind(self, session: Session[Any]) -> None:
        """What it has printed and written."""
        __tracebackhide__ = True
        if self.visit.shown:
            session.output.must_have_shown(self.visit.shown)
        if self.visit.complaint:
            session.output.must_have_complained(self.visit.complaint)
        for path, content in self.visit.written.items():
            _must_have_written(session, path, content)

    def take_leave(self, session: Session[Any]) -> None:
        """See `Task`: the server closes its side first if it is to hang up, so that the client's end can be seen."""
        __tracebackhide__ = True
        if self.visit.hangs_up or session.hangs_up:
            session.hang_up()

    def must_have_left(self, session: Session[Any]) -> None:
        """See `Task`."""
        __tracebackhide__ = True
        self.must_succeed(session)


#: What is answered in these ways is over when the client's own timer says so.
_UNANSWERED: Final = frozenset({Answer.NOTHING, Answer.FROM_STRANGERS, Answer.BEFORE_THE_NEXT, Answer.BEHIND_THE_NEXT})


def _is_unanswered(turn: Turn) -> bool:
    """Whether no answer comes while the client waits for it."""
    return not turn.says or turn.how in _UNANSWERED


def _last_of(session: Session[Any], peer: Peer, parts: tuple[bytes | OtherServer, ...]) -> bytes:
    """The last part of what is to be said, when the others have been; nothing if it is not the server's own."""
    __tracebackhide__ = True
    *before, last = parts or (b"",)
    if isinstance(last, OtherServer):
        before, last = [*before, last], b""
    for part in before:
        if isinstance(part, OtherServer):
            session.server.answer_from(part.host, part.reply)
        else:
            peer.answer(part)
    return last


def _say(peer: Peer, words: bytes, how: Answer) -> None:
    __tracebackhide__ = True
    if words:
        peer.answer(words, how)


def _must_have_written(session: Session[Any], path: str, content: bytes | Reply | None) -> None:
    __tracebackhide__ = True
    try:
        written = session.written(path, MOST_FILE_BYTES)
    except NoFileError as error:
        if content is None:
            return
        raise FaultError(Reason.NOT_WRITTEN, f"the file {path!r} that it must write {error}") from None
    if content is None:
        raise FaultError(Reason.NOT_WRITTEN, f"it wrote the file {path!r}, which it must not", received=written)
    if not isinstance(content, bytes):
        must_be(content, written, f"the file {path!r} that it wrote", Reason.NOT_WRITTEN)
        return
    if written == content:
        return
    what = f"it wrote something else into {path!r} than it must"
    if content.startswith(written):
        what = f"it wrote only {len(written)} of {len(content)} bytes into {path!r}"
    elif written.startswith(content):
        what = f"it wrote {len(written)} bytes into {path!r}, more than the {len(content)} that belong there"
    raise FaultError(Reason.NOT_WRITTEN, what, content, written)


class Tasks:
    """The tasks of one assignment's client, made from what its `protocol.py` says."""

    def __init__(self, protocol: object, basics: Basics | None = None) -> None:
        self._basics = basics or Basics()
        self._lines = cast("ClientProtocol", protocol)
        self._visits = cast("VisitProtocol", protocol)
        #: Whether lines are typed; otherwise each task is a run of its own.
        self.typed: Final = not acts_by_itself(protocol)

    @property
    def usual(self) -> Visit:
        """What a client is started with where nothing else is said."""
        return NO_VISIT if self.typed else self._visits.visit(0)

    def plain(self, number: int) -> Task:
        """A plain one, different for every number from 0."""
        return TypedTask(self._lines.typed(number)) if self.typed else VisitTask(self._visits.visit(number))

    def awkward(self) -> tuple[Task, ...]:
        """Lines that trip a client up, where none has done so before; there are no such visits."""
        return tuple(TypedTask(entry) for entry in self._basics.unusual(self._lines)) if self.typed else ()

    def sized(self, size_bytes: int) -> Task:
        """One whose last answer has this size."""
        if self.typed:
            return TypedTask(self._lines.typed_sized(size_bytes))
        return VisitTask(self._visits.visit_sized(size_bytes))

    def visit(self, number: int) -> VisitTask:
        """A plain visit."""
        return VisitTask(self._visits.visit(number))

    def in_turns(self) -> VisitTask:
        """A visit whose last answer may come before it is asked for."""
        return VisitTask(self._visits.visit_in_turns())


def acts_by_itself(protocol: object) -> bool:
    """Whether the client of this protocol makes visits, and no lines are typed into it."""
    return hasattr(protocol, "visit")
