"""Clients that act by themselves: what they find, what they say, and what is made of how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from grader.errors import Reason
from grader.harness.clients import Clients
from grader.harness.manner import Manner
from grader.harness.session import Session
from grader.harness.stage import Stage
from grader.harness.tasks import Task, VisitTask
from grader.job import Command
from grader.protocol.form import form
from grader.protocol.reply import Values
from grader.protocol.script import Answer
from grader.protocol.visit import Turn, Visit
from grader.wire.faults import FaultError, UnprovedError
from grader.wire.tcp_server import ScriptedServer
from tests.harness.conftest import MakeStage

#: A client that does what it is told: behind host and port come its steps.
CLIENT = r"""
import os, socket, sys

server = None
if sys.argv[3] != "say no":
    server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    lines = server.makefile("rb")
for step in sys.argv[3:]:
    what, _, text = step.partition(" ")
    data = text.encode().decode("unicode_escape").encode("latin-1")
    if what == "send":
        server.sendall(data)
    elif what == "send_file":
        server.sendall(open(text, "rb").read())
    elif what == "line":
        line = lines.readline()
    elif what == "print":
        print(line.decode().strip())
    elif what == "call":
        other = socket.create_connection((sys.argv[1], int(line)))
        other.sendall(data)
        other.close()
    elif what == "write":
        open(text, "wb").write(line)
    elif what == "link":
        os.symlink("/etc/hostname", text)
    elif what == "say":
        print(text, file=sys.stderr)
    elif what == "exit":
        sys.exit(int(text))
"""
HELLO = Turn(b"hello\n", b"HELLO\n")
ASKS = ("send hello\\n", "line")


def clients_of(stage: Stage, *steps: str, usual: Visit) -> Clients[ScriptedServer]:
    """A client that takes these steps."""
    run = (sys.executable, "-I", "-S", "-c", CLIENT, "{host}", "{port}", *steps)
    clients = Clients(stage, Command((), run), stage.ports.find(), stage.peers.listen, usual)
    clients._manner = Manner(run)  # finding it out is tested elsewhere
    return clients


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """Where clients run; its own program is not started."""
    return make_stage("right")


@pytest.fixture
def play(stage: Stage) -> Callable[..., None]:
    """Play a visit with a client that takes these steps."""

    def play(visit: Visit, *steps: str) -> None:
        clients_of(stage, *steps, usual=visit).play(visit)

    return play


def visit(*turns: Turn, **more: Any) -> Visit:
    return Visit(turns or (HELLO,), **more)


def fault_of(act: Callable[..., None], *args: object) -> FaultError:
    with pytest.raises(FaultError) as caught:
        act(*args)
    return caught.value


RIGHT = (
    (visit(shown=b"HELLO"), (*ASKS, "print")),
    (visit(shown=form(b"{word:[A-Z]+}")), (*ASKS, "print")),
    (visit(written={"out": b"HELLO\n"}), (*ASKS, "write out")),
    (visit(written={"out": form(b"{word:[A-Z]+}")}), (*ASKS, "write out")),
    (visit(status=3), (*ASKS, "exit 3")),
    (visit(status=None, complaint=b"no"), (*ASKS, "say no", "exit 3")),
    (visit(Turn(b"abc", b"\n"), files={"in": b"abc"}), ("send_file in", "line")),
    (visit(Turn(b"abc", b"\n"), files={"in": b"abc"}, fill={"file": "in"}), ("send_file {file}", "line")),
    (visit(Turn(b"127.0.0.1", b"\n"), fill={"where": "{host}"}), ("send {where}", "line")),
    (visit(written={"never": None}), ASKS),
    (Visit((), status=None), ("say no", "exit 2")),
    (visit(Turn(b"", b"220\n"), Turn(b"hi\n")), ("line", "send hi\\n")),
    (visit(HELLO, Turn(form(b"{id:[0-9]+}"), lambda seen: seen["id"] + b"\n"), shown=b"42"),
     (*ASKS, "send 42\\n", "line", "print")),
    (visit(Turn(form(b"{id:[0-9]+}"), b"\n"), Turn(lambda seen: seen["id"] + b"!\n", b"\n")),
     ("send 42\\n", "line", "send 42!\\n", "line")),
    (visit(Turn(b"hello\n", (b"HEL", b"LO\n")), shown=b"HELLO"), (*ASKS, "print")),
    (visit(Turn(b"hello\n", b"HELLO", Answer.IN_BYTES), hangs_up=True, shown=b"HELLO"), (*ASKS, "print")),
)  # fmt: skip


@pytest.mark.parametrize(("visit_", "steps"), RIGHT)
def test_a_client_that_does_what_it_must_passes(
    play: Callable[..., None], visit_: Visit, steps: tuple[str, ...]
) -> None:
    play(visit_, *steps)


WRONG = (
    (visit(shown=b"HELLO"), ASKS, Reason.NOT_SHOWN, "'HELLO' is not in its output"),
    (visit(shown=form(b"{word:[a-z]+}")), (*ASKS, "print"), Reason.NOT_SHOWN, "its output is not what it must be"),
    (visit(written={"none": b"HELLO\n"}), ASKS, Reason.NOT_WRITTEN, "the file 'none' that it must write can't be used"),
    (visit(written={"link": b"HELLO\n"}), (*ASKS, "link link"), Reason.NOT_WRITTEN, "the file 'link' that it must"),
    (visit(written={"out": b"HELLO\nyou"}), (*ASKS, "write out"), Reason.NOT_WRITTEN, "only 6 of 9 bytes into 'out'"),
    (visit(written={"out": b"HELLO"}), (*ASKS, "write out"), Reason.NOT_WRITTEN, "more than the 5 that belong there"),
    (visit(written={"out": b"HELP!\n"}), (*ASKS, "write out"), Reason.NOT_WRITTEN, "something else into 'out'"),
    (visit(written={"out": form(b"{word:[a-z]+}")}), (*ASKS, "write out"), Reason.NOT_WRITTEN,
     "the file 'out' that it wrote is not what it must be"),
    (visit(written={"out": None}), (*ASKS, "write out"), Reason.NOT_WRITTEN, "wrote the file 'out', which it must not"),
    (visit(status=3), (*ASKS, "exit 4"), Reason.EXIT_STATUS, "status 3 is required"),
    (visit(status=None), (*ASKS, "say no"), Reason.EXIT_STATUS, "a failure needs another status than 0"),
    (visit(status=None, complaint=b"404"), (*ASKS, "say no", "exit 3"), Reason.NOT_SHOWN, "'404' is not in what it"),
    (visit(status=None), (*ASKS, "exit 3"), Reason.SILENT, "said nothing about it on stderr"),
    (visit(), (*ASKS, "line"), Reason.STILL_RUNNING, "did not exit after the server's last answer"),
    (visit(), ("send help\\n", "line"), Reason.WRONG_REQUEST, "different bytes"),
    (visit(), (*ASKS, "send more"), Reason.EXTRA_REQUEST, "more than the program should send"),
)  # fmt: skip


@pytest.mark.parametrize(("visit_", "steps", "reason", "words"), WRONG)
def test_what_a_client_does_not_do_is_told(
    play: Callable[..., None], visit_: Visit, steps: tuple[str, ...], reason: Reason, words: str
) -> None:
    fault = fault_of(play, visit_, *steps)
    assert (fault.reason, words in fault.what) == (reason, True), fault.what


@pytest.mark.parametrize(
    ("reason", "failing", "played"), [(Reason.STARVED, 2, 3), (Reason.STARVED, 9, 3), (Reason.UNPROVED, 9, 1)]
)
def test_where_the_machine_is_too_busy_a_visit_is_played_again(
    play: Callable[..., None], reason: Reason, failing: int, played: int
) -> None:
    asked: list[Values] = []

    def says(seen: Values) -> bytes:
        asked.append(seen)
        if len(asked) <= failing:
            raise UnprovedError("the machine was too busy", reason)
        return b"HELLO\n"

    with pytest.raises(UnprovedError) if failing > 2 else nullcontext():
        play(visit(Turn(b"hello\n", says), shown=b"HELLO"), *ASKS, "print")
    assert len(asked) == played


@pytest.mark.parametrize(("failing", "played"), [(2, 4), (9, 3)])
def test_so_is_each_of_several(stage: Stage, failing: int, played: int) -> None:
    asked: list[Session[ScriptedServer]] = []

    def act(session: Session[ScriptedServer], task: Task) -> None:
        asked.append(session)
        if len(asked) <= failing:
            raise UnprovedError("the machine was too busy", Reason.STARVED)
        session.server.answer(task.ask(session))

    clients = clients_of(stage, *ASKS, usual=visit())
    with pytest.raises(UnprovedError) if failing > 2 else nullcontext():
        clients.each([VisitTask(visit()), VisitTask(visit())], act)
    assert len(asked) == played


def test_a_visit_without_turns_is_one_that_must_not_come(play: Callable[..., None]) -> None:
    fault = fault_of(play, Visit(()), "exit 0")
    assert (fault.reason, fault.what) == (Reason.EXTRA_REQUEST, "the program connected, although it should not")


def test_a_file_is_laid_nowhere_else(stage: Stage) -> None:
    clients = clients_of(stage, *ASKS, usual=visit())
    with pytest.raises(ValueError, match="not a path below the folder"):
        clients.play(visit(files={"../in": b"abc"}))


def test_where_no_file_can_be_laid_the_program_is_not_started(stage: Stage) -> None:
    clients = clients_of(stage, *ASKS, usual=visit())
    clients.play(visit(files={"folder/in": b"abc"}))
    fault = fault_of(clients.play, visit(files={"folder": b"abc"}))
    assert (fault.reason, "the file 'folder' that it is to find" in fault.what) == (Reason.NOT_STARTED, True)


def test_the_last_answer_may_come_before_it_is_asked_for(stage: Stage) -> None:
    early = visit(HELLO, Turn(b"bye\n", b"BYE\n"), shown=b"BYE")
    clients = clients_of(stage, *ASKS, "send bye\\n", "line", "print", usual=early)
    task = VisitTask(early)
    with clients.start(task) as session:
        task.ask_with_last_answer(session)
        task.must_succeed(session)


def test_a_check_attends_a_client_over_several_connections(stage: Stage) -> None:
    clients = clients_of(stage, "line", "call some bytes", "line", "print", usual=Visit((HELLO,)))
    listener = stage.listen("the data port")
    with clients.attended(Visit((), shown=b"stored")) as session:
        session.server.answer(b"%d\n" % listener.port)
        data = listener.expect_connection(session)
        data.expect(b"some bytes")
        data.expect_end()
        session.server.answer(b"stored\n")


def test_who_is_attended_is_judged_in_the_end(stage: Stage) -> None:
    clients = clients_of(stage, "line", usual=Visit((HELLO,)))

    def attend(visit: Visit) -> None:
        with clients.attended(visit) as session:
            session.server.answer(b"bye\n")

    assert fault_of(attend, Visit((), shown=b"stored")).reason is Reason.NOT_SHOWN
    assert fault_of(attend, Visit((), status=1)).reason is Reason.EXIT_STATUS
    attend(Visit(()))
