"""Clients as students write them: how each is told where to go is found out, and what it shows is judged fairly."""

# ruff: noqa: RUF001 — prompts are in the languages of those who write them

from __future__ import annotations

import importlib.util
import re
import socket
import sys
import time
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import Reason
from grader.harness.clients import HOST, OTHER_HOST, Clients
from grader.harness.manner import Ask, Manner, asked_by
from grader.harness.session import Session
from grader.harness.stage import Stage
from grader.job import Command
from grader.limits import READY_S, REPLY_S
from grader.protocol.script import Answer, Entry
from grader.wire.faults import FaultError, NotStartedError
from grader.wire.kernel import Endpoint
from grader.wire.tcp_server import ScriptedServer, dead_port
from tests.harness.conftest import MakeStage
from tests.wire.stand import PROGRAMS

TcpClients = Clients[ScriptedServer]
TcpSession = Session[ScriptedServer]

HELLO = Entry(b"hello", b"hello\n", b"HELLO\n", b"HELLO")
WORLD = Entry("wörld €".encode(), "wörld €\n".encode(), "WöRLD €\n".encode(), "WöRLD €".encode())
#: What a server answers that echoes: it stands in what was typed.
ECHOED = Entry(b"echo", b"echo\n", b"echo\n", b"echo")

HOST_PROMPTS = (
    "Server hostname or ip? ",
    "Host: ",
    "HOST> ",
    "IP: ",
    "Enter the server's address: ",
    "Server-Adresse: ",
    "Sunucu adresi: ",
    "Dirección del servidor: ",
    "Nom d'hôte : ",
    "Адрес сервера: ",
    "Хост: ",
    "服务器地址：",
    "主机：",
)
PORT_PROMPTS = (
    "Server port? ",
    "Port: ",
    "PORT NUMBER> ",
    "Which port does the server listen on? ",
    "Sunucu portu: ",
    "Puerto del servidor: ",
    "Porta do servidor: ",
    "Порт: ",
    "服务器端口：",
)
MESSAGE_PROMPTS = (
    "message: ",
    "Message to send to the server: ",
    "Input lowercase sentence:",
    "Mesajınız: ",
    "Mensaje: ",
    "Mensagem: ",
    "Nachricht: ",
    "Сообщение: ",
    "消息：",
)
#: Everyday words around what is asked for.
COMMON_PROMPTS = (
    ("Type the port: ", Ask.PORT),
    ("Type in the port number of the server: ", Ask.PORT),
    ("Please type the server's IP: ", Ask.HOST),
    ("Which server shall I send to? ", Ask.HOST),
    ("Type the host name, then press Enter: ", Ask.HOST),
    ("Is the server online? Its address: ", Ask.HOST),
    ("Type something: ", Ask.MESSAGE),
    ("Server (host:port): ", Ask.PLACE),
    ("IP:Port> ", Ask.PLACE),
    ("<address>:<port>? ", Ask.PLACE),
    ("Text to send: ", Ask.MESSAGE),
)
SILENT_PROMPTS = ("", "> ", ">>> ", "? ", ": ", "1) ", "...", "\x1b[32m$ \x1b[0m")

TABLE = (
    *((prompt, Ask.HOST) for prompt in HOST_PROMPTS),
    *((prompt, Ask.PORT) for prompt in PORT_PROMPTS),
    *((prompt, Ask.MESSAGE) for prompt in MESSAGE_PROMPTS),
    *COMMON_PROMPTS,
    *((prompt, None) for prompt in SILENT_PROMPTS),
)


@pytest.mark.parametrize(("prompt", "ask"), TABLE)
def test_a_prompt_is_understood_by_its_words(prompt: str, ask: Ask | None) -> None:
    assert asked_by(prompt) is ask


@given(st.sampled_from(TABLE), st.sampled_from(["\x1b[1;36m", "[18:04:59] ", "*** ", "\r\n", "   "]))
def test_what_stands_around_a_prompt_does_not_change_what_it_asks(known: tuple[str, Ask | None], before: str) -> None:
    prompt, ask = known
    assert asked_by(before + prompt) is ask
    assert asked_by(prompt.upper()) is ask


@given(st.text("0123456789 \t\n!?.,:;()[]{}<>*#-=+|/\\"))
def test_without_words_no_prompt_says_what_it_asks(prompt: str) -> None:
    assert asked_by(prompt) is None


def words_of(*run: str) -> tuple[str, ...]:
    """The command of one of `programs/clients.py`."""
    return (sys.executable, "-I", "-S", str(PROGRAMS / "clients.py"), *run)


def clients_of(
    stage: Stage,
    *run: str,
    default_port: int = 0,
    ports: tuple[int, ...] = (),
    asks: tuple[Literal["host", "port"], ...] | None = None,
) -> TcpClients:
    """One of `programs/clients.py`, with these arguments, as a submission."""
    command = Command((), words_of(*run), asks, ports)
    return Clients(stage, command, default_port or stage.ports.find(), stage.peers.listen)


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """Where clients run; its own program is not started."""
    return make_stage("right")


def plays(clients: TcpClients) -> None:
    """It is driven as its manner says: it goes where it was told, or where it goes always, and talks there."""
    with clients.start() as session:
        for entry in (HELLO, WORLD):
            session.converse(entry)
        session.wait_prompt()
        session.server.expect_nothing_more()
        went = session.server.came_to()
        assert went is not None
        assert went.port == (clients.manner.own_port or session.told.port)
        session.keyboard.end_input()
        session.must_end_well("at the end of its input")


ARGUMENTS = ("{host}", "{port}")


def session_of(stage: Stage, which: str, *, terminal: bool = True) -> TcpSession:
    """A run of one of `programs/clients.py` that takes host and port as arguments."""
    told = Endpoint(HOST, stage.ports.find())
    return Session(stage, Manner(words_of(which, *ARGUMENTS)), told, stage.peers.listen([told]), terminal=terminal)


def test_arguments_are_told_where_the_command_says(stage: Stage) -> None:
    clients = clients_of(stage, "takes_arguments", *ARGUMENTS)
    assert clients.manner == Manner(clients._command.run)
    plays(clients)


@pytest.mark.parametrize(
    ("which", "prompts", "asks"),
    [
        ("asks", ("Server hostname or ip? ", "Server port? "), (Ask.HOST, Ask.PORT)),
        ("asks", ("Nereye? ", "Hangisi? "), (Ask.HOST, Ask.PORT)),
        ("asks", ("", ""), (Ask.HOST, Ask.PORT)),
        ("asks", ("Who gets the messages? ", "Where does the server listen? "), (Ask.HOST, Ask.PORT)),
        ("asks_port_first", ("Порт: ", "Адрес сервера: "), (Ask.PORT, Ask.HOST)),
        ("asks_port_only", ("Server port? ",), (Ask.PORT,)),
        ("asks_port_only", ("? ",), (Ask.PORT,)),
        ("asks_for_both_at_once", ("Connect to (host:port): ",), (Ask.PLACE,)),
        ("asks_and_comes_late", ("Server: ", "Port: ", "Text for the server: "), (Ask.HOST, Ask.PORT)),
    ],
)
def test_prompts_are_answered_with_what_they_ask(
    stage: Stage, which: str, prompts: tuple[str, ...], asks: tuple[Ask, ...]
) -> None:
    clients = clients_of(stage, which, *prompts)
    assert (clients.manner.asks, clients.manner.own_port) == (asks, None)
    plays(clients)


def test_what_it_is_told_by_arguments_is_no_answer_to_its_prompts(stage: Stage) -> None:
    clients = clients_of(stage, "asks", "Host: ", "Port: ", *ARGUMENTS)
    assert clients.manner.asks == (Ask.HOST, Ask.PORT)
    plays(clients)


def test_unknown_words_may_ask_for_the_port_first(stage: Stage) -> None:
    clients = clients_of(stage, "asks_port_first", "Hangisi? ", "Nereye? ")
    assert clients.manner.asks == (Ask.PORT, Ask.HOST)
    plays(clients)


def test_what_grader_toml_says_is_asked_needs_no_words(stage: Stage) -> None:
    clients = clients_of(stage, "asks_port_first", "Host: ", "Port: ", asks=("port", "host"))
    assert clients.manner.asks == (Ask.PORT, Ask.HOST)
    plays(clients)


@pytest.mark.parametrize("arguments", [(), ARGUMENTS])
def test_a_port_that_stands_in_the_source_is_where_it_goes(stage: Stage, arguments: tuple[str, ...]) -> None:
    own, other = stage.ports.find(), stage.ports.find()
    clients = clients_of(stage, "knows_one_port", str(own), *arguments, ports=(other, own))
    assert (clients.manner.asks, clients.manner.own_port) == ((), own)
    plays(clients)


def test_the_assignments_own_port_is_where_it_may_go(stage: Stage) -> None:
    own = stage.ports.find()
    clients = clients_of(stage, "knows_one_port", str(own), *ARGUMENTS, default_port=own)
    assert clients.manner.own_port == own
    plays(clients)


@pytest.mark.parametrize("message", [(), ("{message}",)])  # it is found out, or grader.toml says it
def test_a_message_may_be_an_argument(stage: Stage, message: tuple[str, ...]) -> None:
    clients = clients_of(stage, "takes_its_message", *ARGUMENTS, *message)
    assert clients.manner.takes_message
    assert clients.manner.asks == ()
    for entry in (HELLO, WORLD):
        with clients.start() as session:
            session.converse(entry)
            session.must_end_well("after its reply")


@pytest.mark.parametrize(
    ("which", "reason", "what", "doing"),
    [
        ("goes_nowhere", Reason.NOT_CONNECTED, "it did not connect", "blocked in read on its standard input"),
        ("ends", Reason.CRASHED, "it did not connect: the program exited", "it exited with status 1"),
    ],
)
def test_a_client_that_goes_nowhere_is_told_so_each_time(
    stage: Stage, which: str, reason: Reason, what: str, doing: str
) -> None:
    clients = clients_of(stage, which, *ARGUMENTS)
    for _ in range(2):
        with pytest.raises(NotStartedError) as caught:
            clients.start()
        assert (caught.value.needed, caught.value.fault.reason) == (
            "a client that reaches a server",
            reason,
        )
        assert (caught.value.fault.what, caught.value.fault.doing) == (what, doing)


def test_a_client_that_swaps_the_bytes_of_its_port_is_told_so(stage: Stage) -> None:
    clients = clients_of(stage, "swaps_the_ports_bytes", *ARGUMENTS)
    with pytest.raises(NotStartedError) as caught:
        clients.start()
    assert caught.value.fault.reason is Reason.OTHER_PORT
    told, went = map(int, re.findall(r"port ([0-9]+)", caught.value.fault.what))
    assert went == socket.htons(told)


def test_a_port_that_it_binds_is_left_to_it(stage: Stage) -> None:
    own = stage.ports.find()
    clients = clients_of(stage, "binds", str(own), *ARGUMENTS, ports=(own,))
    assert clients.manner.own_port is None
    plays(clients)


def test_who_only_looks_at_its_input_is_typed_at(stage: Stage) -> None:
    clients = clients_of(stage, "looks_at_its_input", *ARGUMENTS)
    assert clients.manner.polls
    plays(clients)


@pytest.mark.parametrize("which", ["takes_arguments", "never_looks_at_its_input"])
def test_who_waits_for_a_line_or_never_takes_one_does_not_poll(stage: Stage, which: str) -> None:
    assert not clients_of(stage, which, *ARGUMENTS).manner.polls


@pytest.mark.parametrize("which", ["leaves_its_input_to_a_child", "in_raw_mode"])
def test_it_is_typed_at_as_at_any_terminal(stage: Stage, which: str) -> None:
    plays(clients_of(stage, which, *ARGUMENTS))


def test_how_it_is_told_is_found_out_once(stage: Stage) -> None:
    clients = clients_of(stage, "takes_arguments", *ARGUMENTS)
    assert clients.manner is clients.manner


@pytest.mark.parametrize("host", [HOST, OTHER_HOST, "localhost"])
def test_a_server_waits_wherever_it_is_told_to_go(stage: Stage, host: str) -> None:
    clients = clients_of(stage, "takes_arguments", *ARGUMENTS)
    with clients.start(host=host) as session:
        assert session.comes_before_first_line()
        came_to = session.server.came_to()
    assert came_to is not None
    assert came_to.port == session.told.port
    assert came_to.host in clients.hosts[host]


def test_who_comes_with_its_first_line_waits_for_it_before(stage: Stage) -> None:
    with clients_of(stage, "asks_and_comes_late", "Host: ", "Port: ", "> ").start() as session:
        assert not session.comes_before_first_line()
        session.converse(HELLO)


def test_alone_it_is_refused(stage: Stage) -> None:
    with clients_of(stage, "takes_arguments", *ARGUMENTS).start_alone(dead_port) as session:
        session.enter_if_asked(b"hello")
        assert session.must_end("where nobody listens").status == 1
    assert b"Connection refused" in session.program.stderr.data


def test_who_comes_late_is_refused_with_its_first_line(stage: Stage) -> None:
    with clients_of(stage, "asks_and_comes_late", "Host: ", "Port: ", "> ").start_alone(dead_port) as session:
        session.enter_if_asked(b"hello")
        assert session.must_end("where nobody listens").status == 1
    assert b"Connection refused" in session.program.stderr.data


# What it shows


@pytest.mark.parametrize("terminal", [True, False])
def test_a_reply_that_is_shown_is_seen(stage: Stage, terminal: bool) -> None:
    with session_of(stage, "takes_arguments", terminal=terminal) as session:
        for entry, how in zip((HELLO, WORLD, ECHOED), (Answer.WHOLE, Answer.IN_BYTES, Answer.LATE), strict=True):
            session.converse(entry, how)
            assert entry.shown in session.output.said


@pytest.mark.parametrize(
    ("which", "reason", "what"),
    [
        ("shows_bytes", Reason.BYTES_SHOWN, "the reply 'HELLO' was shown as a bytes object: it was not decoded"),
        ("shows_on_standard_error", Reason.SHOWN_ON_STDERR, "the reply 'HELLO' was printed on stderr"),
        (
            "shows_at_its_end",
            Reason.NOT_FLUSHED,
            "the reply 'HELLO' was printed only when the program exited: until then it was left in a buffer",
        ),
        ("shows_nothing", Reason.NOT_SHOWN, "the reply 'HELLO' is not in its output"),
        (
            "shows_and_ends",
            Reason.CRASHED,
            "the program exited, and the reply 'HELLO' is not in its output",
        ),
    ],
)
def test_a_reply_that_is_not_shown_is_told_with_its_cause(stage: Stage, which: str, reason: Reason, what: str) -> None:
    with session_of(stage, which) as session, pytest.raises(FaultError) as caught:
        session.converse(HELLO)
    assert (caught.value.reason, caught.value.what) == (reason, what)


def test_what_was_sent_besides_is_told_where_it_does_not_go_on(stage: Stage) -> None:
    with session_of(stage, "sends_a_line_before") as session, pytest.raises(FaultError) as caught:
        session.enter(HELLO.line)
    assert caught.value.reason is Reason.NO_PROMPT
    assert caught.value.what == r"it does not wait for a line to be typed; the server has received 1 byte so far: '\n'"


def test_a_long_line_may_be_sent_while_it_is_read(stage: Stage) -> None:
    line = b"x" * (8 << 20)  # more than pipe, socket buffers and program hold
    entry = Entry(line, line + b"\n", b"OK\n", b"OK")
    with session_of(stage, "sends_while_it_reads", terminal=False) as session:
        session.feed(entry.line + b"\n")
        session.server.expect(entry.request)
        session.server.answer(entry.reply)
        session.output.must_show(entry)


def test_what_stood_behind_a_longer_reply_is_no_part_of_the_next(stage: Stage) -> None:
    long, short = Entry(b"a long line", b"a long line\n", b"A LONG LINE\n", b"A LONG LINE"), HELLO
    for which, trails in (("leaves_a_tail", True), ("takes_arguments", False)):
        with session_of(stage, which) as session:
            for entry in (long, short):
                session.converse(entry)
                session.wait_prompt()
            if not trails:
                session.output.must_not_trail(short, long)
                continue
            with pytest.raises(FaultError) as caught:
                session.output.must_not_trail(short, long)
            assert caught.value.what == "after the reply 'HELLO' it printed the end of an earlier one: ' LINE'"


def test_white_space_that_was_taken_from_a_reply_is_told(stage: Stage) -> None:
    entry = Entry(b"  x  ", b"  x  \n", b"  X  \n", b"  X  ")
    with session_of(stage, "strips") as session, pytest.raises(FaultError) as caught:
        session.converse(entry)
    assert (caught.value.reason, caught.value.what) == (
        Reason.NOT_SHOWN,
        "the reply '  X  ' was shown without the white space at either end",
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_the_line_itself_is_not_its_reply(stage: Stage, terminal: bool) -> None:
    with (
        session_of(stage, "shows_nothing", terminal=terminal) as session,
        pytest.raises(FaultError) as caught,
    ):
        session.converse(ECHOED)
    assert caught.value.reason is Reason.NOT_SHOWN


@pytest.mark.skipif(not importlib.util.find_spec("readline"), reason="this Python has no GNU readline")
def test_a_line_editor_that_echoes_nothing_shows_the_reply_once(stage: Stage) -> None:
    with session_of(stage, "types_by_readline") as session:
        for _ in range(3):
            session.enter(ECHOED.line)
            session.server.expect(ECHOED.request)
            session.server.answer(ECHOED.reply)
            session.wait_prompt()  # where its terminal is in the line editor's mode again
            session.output.must_show(ECHOED)


@pytest.mark.parametrize("which", ["shows_keys_only", "shows_its_echo_only"])
def test_what_is_typed_and_shown_is_no_reply(stage: Stage, which: str) -> None:
    with session_of(stage, which) as session, pytest.raises(FaultError) as caught:
        session.converse(ECHOED)
    assert caught.value.reason is Reason.NOT_SHOWN


@pytest.mark.parametrize(
    ("which", "how"),
    [("shows_what_it_sends", Answer.WHOLE), ("shows_its_line_at_the_first_byte", Answer.IN_BYTES)],
)
def test_what_was_printed_before_the_reply_was_there_is_no_reply(stage: Stage, which: str, how: Answer) -> None:
    with session_of(stage, which) as session, pytest.raises(FaultError) as caught:
        session.converse(ECHOED, how, at_rest=True)
    assert (caught.value.reason, caught.value.what) == (
        Reason.NOT_SHOWN,
        "the reply 'echo' is not in its output: what looks like it was printed before the reply had arrived",
    )


@pytest.mark.parametrize("which", ["shows_what_it_sends_and_gets", "shows_each_byte_as_it_comes"])
@pytest.mark.parametrize("how", [Answer.WHOLE, Answer.IN_BYTES])
def test_who_prints_a_reply_besides_or_in_pieces_has_shown_it(stage: Stage, which: str, how: Answer) -> None:
    with session_of(stage, which) as session:
        for _ in range(2):
            session.converse(ECHOED, how, at_rest=True)


def test_what_it_prints_without_any_reply_is_not_counted(stage: Stage) -> None:
    for which, shown in (("shows_what_it_sends_and_gets", True), ("shows_what_it_sends", False)):
        with session_of(stage, which) as session:
            session.enter(ECHOED.line)
            session.server.expect(ECHOED.request)
            session.server.connection.send(ECHOED.reply)  # by a server that does not tell us when
            if shown:
                session.output.must_show(ECHOED, besides=1)
                continue
            with pytest.raises(FaultError):
                session.output.must_show(ECHOED, besides=1)


def test_a_reply_that_was_not_read_is_not_shown(stage: Stage) -> None:
    with session_of(stage, "shows_its_line_at_the_first_byte") as session:
        session.enter(ECHOED.line)
        session.server.expect(ECHOED.request)
        before = session.read_bytes()
        assert before == 0
        session.server.connection.send(ECHOED.reply[:1])
        with pytest.raises(FaultError):
            session.output.must_show(ECHOED, read_before=before)
        session.server.connection.send(ECHOED.reply[1:])
        session.output.must_show(ECHOED, read_before=before)


def test_a_reply_shown_before_is_not_this_lines(stage: Stage) -> None:
    with session_of(stage, "takes_arguments") as session:
        session.converse(HELLO)
        session.enter(WORLD.line)
        session.server.expect(WORLD.request)
        session.server.answer(b"ANOTHER\n")
        with pytest.raises(FaultError) as caught:
            session.output.must_show(HELLO)
    assert caught.value.reason is Reason.NOT_SHOWN


# Waiting for what does not come


def ask(session: TcpSession) -> None:
    """A line that is not answered."""
    session.enter(HELLO.line)
    session.server.expect(HELLO.request)


def test_who_waits_for_its_reply_waits(stage: Stage) -> None:
    with session_of(stage, "takes_arguments") as session:
        ask(session)
        session.must_wait("for its reply")
        session.server.answer(HELLO.reply)
        session.output.must_show(HELLO)


@pytest.mark.parametrize(
    ("which", "what"),
    [
        ("does_not_wait", "it reads the next line instead of waiting for its reply"),
        ("ends_instead_of_waiting", "it exited instead of waiting for its reply"),
    ],
)
def test_who_does_not_wait_for_its_reply_is_told_so(stage: Stage, which: str, what: str) -> None:
    with session_of(stage, which) as session:
        ask(session)
        with pytest.raises(FaultError) as caught:
            session.must_wait("for its reply")
    assert (caught.value.reason, caught.value.what) == (Reason.GAVE_UP_EARLY, what)


@pytest.mark.parametrize("which", ["gives_up", "ends_instead_of_waiting", "does_not_wait"])
def test_who_goes_on_without_a_reply_has_given_up(stage: Stage, which: str) -> None:
    with session_of(stage, which) as session:
        ask(session)
        session.must_give_up(READY_S)


def test_who_waits_without_a_timeout_never_gives_up(stage: Stage) -> None:
    with session_of(stage, "takes_arguments") as session:
        ask(session)
        began = time.monotonic()
        with pytest.raises(FaultError) as caught:
            session.must_give_up(2 * REPLY_S)
        assert time.monotonic() - began < REPLY_S
    assert (caught.value.reason, caught.value.what) == (
        Reason.NO_TIMEOUT,
        "it waits for its reply without a timeout, so forever",
    )
    assert caught.value.doing == "blocked in recv on the server's connection"


def test_a_timeout_that_is_too_long_is_told(stage: Stage) -> None:
    with session_of(stage, "gives_up_late") as session:
        ask(session)
        with pytest.raises(FaultError) as caught:
            session.must_give_up(0.2)
    assert (caught.value.reason, caught.value.what) == (
        Reason.NO_TIMEOUT,
        "it does not give up on its reply within 0 s",
    )


# Its end


@pytest.mark.parametrize(
    ("which", "reason", "what"),
    [
        ("ends_instead_of_waiting", None, ""),
        ("shows_and_ends", Reason.EXIT_STATUS, "it exited with status 3 after its reply; 0 means success"),
        ("takes_arguments", Reason.STILL_RUNNING, "it did not exit after its reply"),
    ],
)
def test_how_it_ends(stage: Stage, which: str, reason: Reason | None, what: str) -> None:
    with session_of(stage, which) as session:
        ask(session)
        session.server.answer(HELLO.reply)
        if reason is None:
            session.must_end_well("after its reply")
            return
        with pytest.raises(FaultError) as caught:
            session.must_end_well("after its reply")
    assert (caught.value.reason, caught.value.what) == (reason, what)


def test_a_traceback_is_no_good_end(stage: Stage) -> None:
    with session_of(stage, "takes_arguments") as session:
        ask(session)
        session.server.connection.reset()
        with pytest.raises(FaultError) as caught:
            session.must_end_well("after a reset")
    assert (caught.value.reason, caught.value.what) == (Reason.TRACEBACK, "it exited with a traceback after a reset")


def test_who_prompts_on_at_the_end_of_input_does_not_end(stage: Stage) -> None:
    with session_of(stage, "prompts_for_ever", terminal=False) as session:
        session.feed(HELLO.line + b"\n")
        session.server.expect(HELLO.request)
        session.server.answer(HELLO.reply)
        with pytest.raises(FaultError) as caught:
            session.must_end_well("at the end of its input")
    assert (caught.value.reason, caught.value.what) == (
        Reason.STILL_RUNNING,
        "it did not exit at the end of its input",
    )


def test_text_may_be_fed_without_waiting_for_prompts(stage: Stage) -> None:
    with clients_of(stage, "takes_arguments", *ARGUMENTS).start(terminal=False) as session:
        session.feed(HELLO.line + b"\n" + WORLD.line + b"\n")
        for entry in (HELLO, WORLD):
            session.server.expect(entry.request)
            session.server.answer(entry.reply)
        session.must_end_well("at the end of its input")
        for entry in (HELLO, WORLD):
            session.output.must_show(entry)
