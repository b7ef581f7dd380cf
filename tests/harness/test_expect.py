"""The words for students, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.catalogue import READ_NOTHING, READ_WHY, READ_WORDS
from grader.errors import Reason
from grader.harness import expect
from grader.model import Event, EventKind
from grader.wire.faults import FaultError, Place, UnprovedError
from grader.wire.transcript import with_data


def sent(data: bytes, *pieces: int, text: str = "", who: str = "client A") -> Event:
    event = Event(at_ms=0, kind=EventKind.SENT, who=who, text=text, pieces=pieces)
    return with_data(event, data, 4096)


def explain(
    fault: FaultError | UnprovedError, events: tuple[Event, ...], printed: bytes, complained: bytes = b""
) -> str:
    """Of one program."""
    return expect.explain(fault, events, [expect.Voice("program", fault.doing, printed, complained)])


STARTED = Event(at_ms=0, kind=EventKind.STARTED, who="program", text="python3 server.py 20000")


def test_a_message_has_four_parts() -> None:
    fault = FaultError(
        Reason.WRONG_REPLY,
        "client A received a different reply",
        b"HELLO\n",
        b"HELlO\n",
        "blocked in recv on client A's connection",
    )
    assert explain(fault, (STARTED, sent(b"hello\n", 2, 4)), b"listening\nserving\n").splitlines() == [
        "Client A received a different reply.",
        "client A sent: 'he' | 'llo\\n'   (each sent once the one before had been read)",
        "expected: 'HELLO\\n'",
        "received: 'HELlO\\n'",
        "              ^",
        "the program: blocked in recv on client A's connection",
        "it printed:",
        "  listening",
        "  serving",
    ]


def test_without_bytes_sent_it_is_told_how_the_program_was_started() -> None:
    fault = FaultError(Reason.NOT_LISTENING, "it does not listen")
    assert explain(fault, (STARTED,), b"") == "It does not listen.\nstarted as: python3 server.py 20000"


def test_nothing_received_is_said_so() -> None:
    fault = FaultError(Reason.NO_REPLY, "no reply", b"HELLO\n", b"")
    assert explain(fault, (), b"") == "No reply.\nexpected: 'HELLO\\n'\nreceived: nothing"


RECOGNISED = "a line 'HIGH', 'LOW' or 'OK tries=<n>'"


def test_a_recognised_reply_is_told_in_words_with_the_place_where_it_went_wrong() -> None:
    fault = FaultError(Reason.WRONG_REPLY, "different", RECOGNISED, b"OK tires=3\n", at=4, here="'ries='")
    assert explain(fault, (), b"").splitlines()[1:] == [
        f"expected: {RECOGNISED}",
        "received: 'OK tires=3\\n'",
        "               ^ expected here: 'ries='",
    ]


def test_of_a_long_one_the_part_around_that_place_is_shown() -> None:
    fault = FaultError(Reason.WRONG_REPLY, "different", RECOGNISED, b"x" * 500 + b"y" + b"z" * 500, at=500)
    _, _, received, caret = explain(fault, (), b"").splitlines()
    assert (received[caret.index("^")], len(caret) < len(received) < 80) == ("y", True)


def received(data: bytes, who: str = "client A") -> Event:
    return with_data(Event(at_ms=0, kind=EventKind.RECEIVED, who=who), data, 4096)


def test_of_a_client_that_acts_by_itself_its_last_run_is_told_with_what_it_was_given() -> None:
    again = Event(at_ms=0, kind=EventKind.STARTED, who="program", text="python3 client.py 20001")
    heard = received(b"one\n", "the server"), sent(b"1\n", who="the server"), received(b"2\n", "the server")
    fault = FaultError(Reason.WRONG_REQUEST, "different", b"two\n", b"2\n")
    events = (STARTED, sent(b"0\n", who="the server"), again, *heard)
    assert explain(fault, events, b"").splitlines()[1:4] == [
        "started as: python3 client.py 20001",
        "the server received: 'one\\n'",
        "the server sent: '1\\n'",
    ]
    assert explain(fault, events, b"").count("received: ") == 2


def test_in_a_dialogue_it_is_told_what_was_answered_between_what_was_sent() -> None:
    fault = FaultError(Reason.WRONG_REPLY, "different", RECOGNISED, b"OK tries=5\n", at=9, answered="client A")
    events = (
        *(sent(b"GUESS 50\n"), received(b"HIGH\n"), sent(b"GUESS 1\n", who="client B"), received(b"LOW\n", "client B")),
        *(sent(b"GUESS 42\n"), received(b"OK tries=5\n")),
    )
    assert explain(fault, events, b"").splitlines()[1:6] == [
        "(what other clients said meanwhile is left out; an HTML report shows all)",
        "client A sent: 'GUESS 50\\n'",
        "client A received: 'HIGH\\n'",
        "client A sent: 'GUESS 42\\n'",
        f"expected: {RECOGNISED}",
    ]


def test_what_is_lacking_of_a_recognised_reply_is_told() -> None:
    fault = FaultError(Reason.INCOMPLETE_REPLY, "part", RECOGNISED, b"OK tr", lacking="the end of the line")
    assert explain(fault, (), b"").splitlines()[1:] == [
        f"expected: {RECOGNISED}",
        "received: 'OK tr'",
        "lacking: the end of the line",
    ]
    none = FaultError(Reason.NO_REPLY, "none", RECOGNISED, b"")
    assert explain(none, (), b"").splitlines()[1:] == [f"expected: {RECOGNISED}", "received: nothing"]


def test_what_came_where_nothing_was_expected() -> None:
    fault = FaultError(Reason.EXTRA_REPLY, "more came:", b"", b"hi\n")
    assert explain(fault, (), b"") == "More came:\nreceived: 'hi\\n'"
    assert explain(FaultError(Reason.CLOSED_EARLY, "it closed", b"", b""), (), b"") == "It closed."


def test_what_could_not_be_proved_compares_no_bytes() -> None:
    words = explain(UnprovedError("it was busy", doing="running"), (sent(b"x"),), b"")
    assert words == "It was busy.\nclient A sent: 'x'\nthe program: running"


NO_REPLY = FaultError(Reason.NO_REPLY, "no")


def from_clients(*messages: bytes) -> tuple[Event, ...]:
    return tuple(sent(message, who=f"client {number}") for number, message in enumerate(messages))


def test_of_many_messages_the_last_are_shown() -> None:
    shown = explain(NO_REPLY, from_clients(*[b"x" * 150] * 6), b"").splitlines()
    assert shown[1:] == [
        "(2 earlier messages left out; an HTML report shows all)",
        *(f"client {number} sent: '{'x' * 150}'" for number in range(2, 6)),
    ]
    assert len(explain(NO_REPLY, from_clients(*[b"x"] * 20), b"").splitlines()) == 2 + 12


def test_short_messages_are_all_shown() -> None:
    shown = explain(NO_REPLY, from_clients(b"0", b"1", b"2", b"3", b"4", b"5"), b"").splitlines()
    assert shown[1:] == [f"client {number} sent: '{number}'" for number in range(6)]


ANSWERED = Event(at_ms=0, kind=EventKind.RECEIVED, who="client 0", data=b"OK")
GONE = Event(at_ms=0, kind=EventKind.EXITED, who="program")


def test_what_may_have_ended_the_program_is_never_left_out() -> None:
    good, bad, late = b"g" * 150, b"\xff" * 30, b"l" * 150
    first, second, *others = from_clients(good, bad, *[late] * 9)
    events = (first, ANSWERED, second, GONE, *others)
    shown = explain(FaultError(Reason.CRASHED, "gone"), events, b"").splitlines()
    assert shown[1:3] == [
        "(6 earlier messages left out; an HTML report shows all)",
        f"client 1 sent: '{chr(92)}{f'xff{chr(92)}' * 29}xff'",
    ]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (sent(b"hello\n"), "'hello\\n'"),
        (sent(b"a\nb\n", text="to be read at once"), "'a\\nb\\n' (to be read at once)"),
        (sent(b"\x00'\xff", 1, 1, 1), "'\\x00' | \"'\" | '\\xff'   (each sent once the one before had been read)"),
        (
            sent(b"x" * 30, *[1] * 30),
            " | ".join(["'x'"] * 24) + " | … 6 more   (each sent once the one before had been read)",
        ),
        (sent(b"h" * 80 + b"m" * 1000 + b"t" * 40), f"'{'h' * 80}' … '{'t' * 40}' (1120 bytes)"),
        (sent(b"h" * 80 + b"m" * 9000 + b"t" * 40, 60, 9060), f"'{'h' * 80}' … '{'t' * 40}' (9120 bytes in 2 pieces)"),
    ],
)
def test_what_was_sent_with_its_split_points(event: Event, words: str) -> None:
    assert expect.split(event) == words


def test_the_end_of_what_it_printed_is_shown() -> None:
    printed = "".join(f"line {number}\n" for number in range(20)).encode()
    words = explain(FaultError(Reason.CRASHED, "gone"), (), printed).splitlines()
    assert words == ["Gone.", "it printed:", "  … 8 lines left out", *(f"  line {number}" for number in range(8, 20))]


JAVA = """serving
Exception in thread "main" java.io.UncheckedIOException: broken
{frames}Caused by: java.net.SocketException: Connection reset
{frames}\t... 3 more
"""


def test_the_first_line_of_a_java_trace_is_kept_and_its_causes() -> None:
    printed = JAVA.format(frames="".join(f"\tat Server.call{number}(Server.java:{number})\n" for number in range(9)))
    words = explain(FaultError(Reason.CRASHED, "gone"), (), b"", printed.encode()).splitlines()
    assert words[1:5] == [
        "it printed on stderr:",
        "  … 1 line left out",
        '  Exception in thread "main" java.io.UncheckedIOException: broken',
        "  … 8 lines left out",
    ]
    assert "  Caused by: java.net.SocketException: Connection reset" in words
    assert words[-1] == "      ... 3 more", "a tab is shown as one"


NODE = """\
node:events:497
      throw er; // Unhandled 'error' event
      ^

Error: read ECONNRESET
    at TCP.onStreamRead (node:internal/stream_base_commons:216:20)
Emitted 'error' event on Socket instance at:
    at Socket.onerror (node:internal/streams/readable:1028:14)
    at Socket.emit (node:events:524:28)
    at emitErrorNT (node:internal/streams/destroy:169:8)
    at process.processTicksAndRejections (node:internal/process/task_queues:82:21) {
  errno: -104,
  code: 'ECONNRESET',
  syscall: 'read'
}

Node.js v20.20.2
"""


def test_the_line_that_names_the_error_is_kept_of_what_node_js_prints() -> None:
    words = explain(FaultError(Reason.CRASHED, "gone"), (), b"", NODE.encode()).splitlines()
    assert "  Error: read ECONNRESET" in words
    assert words[-1] == "  Node.js v20.20.2"


def test_a_module_that_is_not_there_is_named() -> None:
    trace = b"Traceback (most recent call last):\n  File ...\nModuleNotFoundError: No module named 'twisted.internet'\n"
    assert "There is no module twisted.internet where programs are graded" in expect.missing_module(trace)
    assert "only Python's standard library and what was handed in are available" in expect.missing_module(trace)
    assert "only Python's standard library, attrs and what" in expect.missing_module(trace, ("attrs",))
    assert "where programs are graded. If it is your own" in expect.missing_module(trace, None)
    for other in (b"", trace + b"bye\n", b"no ModuleNotFoundError: No module named 'x'", b"KeyError: 'x'"):
        assert expect.missing_module(other) == ""


@pytest.mark.parametrize(
    "naming",
    ["Error: Cannot find module 'ws'", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'ws' imported from x"],
)
def test_a_module_that_node_does_not_find_is_named_and_no_file(naming: str) -> None:
    trace = f"node:internal:1\n  throw err;\n{naming}\n    at require (node:1:2) {{\n}}\n\nNode.js v18.20.4"
    assert "There is no module ws where programs are graded: only what Node.js" in expect.missing_module(trace.encode())
    assert expect.missing_module(trace.replace("'ws'", "'./ws'").encode()) == ""
    assert expect.missing_module(trace.rpartition("\n")[0].encode()) == ""


PERL = """Can't locate A/B.pm in @INC (you may need to install the A::B module) (@INC contains: /x) at server.pl line 3.
BEGIN failed--compilation aborted at server.pl line 3.
"""


@pytest.mark.parametrize(
    ("trace", "name"),
    [
        (
            "server.rb:1:in `require': cannot load such file -- sinatra (LoadError)\n\tfrom server.rb:1:in `<main>'\n",
            "sinatra",
        ),
        (
            "server.rb:2:in 'require': cannot load such file -- rack/x (LoadError)\n\tfrom s.rb:2:in '<main>'\n",
            "rack/x",
        ),
        (
            PERL,
            "A::B",
        ),
    ],
)
def test_a_module_that_ruby_or_perl_does_not_find_is_named(trace: str, name: str) -> None:
    assert f"There is no module {name} where programs are graded" in expect.missing_module(trace.encode())
    assert expect.missing_module(f"{trace}bye\n".encode()) == ""


@pytest.mark.parametrize("printed", [b"", b"\n \n\t\n"])
def test_blank_output_is_no_output(printed: bytes) -> None:
    assert explain(FaultError(Reason.CRASHED, "gone"), (), printed) == "Gone."


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
def test_no_control_character_reaches_the_message(data: bytes, left: bytes, right: bytes, printed: bytes) -> None:
    fault = FaultError(Reason.WRONG_REPLY, "wrong", left, right)
    words = explain(fault, (sent(data),), printed)
    assert all(line.isprintable() for line in words.split("\n"))


def test_escapes_are_readable() -> None:
    assert expect.printable("\x1b[31mred\x1b[0m\tü🙂\u202e") == "\\x1b[31mred\\x1b[0m\\tü🙂\\u202e"


def test_why_a_check_was_not_played() -> None:
    assert expect.because("“answers”, which did not pass") == "skipped: depends on “answers”, which did not pass"
    fault = FaultError(Reason.CRASHED, "boom")
    words = "skipped: depends on a server that listens: the program crashed or exited with an error"
    assert expect.because("a server that listens", fault) == words


def typed(data: bytes, who: str = "the keyboard") -> Event:
    return Event(
        at_ms=0, kind=EventKind.TYPED, who=who, data=data, size_bytes=len(data), text="" if data else "the end"
    )


def test_of_a_client_its_last_run_is_told_and_what_was_typed_last() -> None:
    answers = tuple(sent(str(number).encode()) for number in range(5))
    events = (STARTED, typed(b"before\n"), STARTED, typed(b"lines\n", "a pipe"), typed(b"", "a pipe"), *answers)
    words = explain(FaultError(Reason.NO_REQUEST, "no"), events, b"out\n", b"err\n").splitlines()
    assert words == [
        "No.",
        "started as: python3 server.py 20000",
        r"through a pipe: 'lines\n'",
        "through a pipe: the end",
        *(f"client A sent: '{number}'" for number in range(5)),
        "it printed:",
        "  out",
        "it printed on stderr:",
        "  err",
    ]


def test_two_programs_are_told_apart() -> None:
    events = tuple(
        Event(at_ms=0, kind=EventKind.STARTED, who=who, text=f"./{who[5:]}") for who in ("your server", "your client")
    )
    server = expect.Voice("your server", "blocked in accept", b"up\n")
    client = expect.Voice("your client", "blocked in recv", b"", b"hm\n")
    places = (Place("client.c", 7, ""),)
    fault = FaultError(Reason.NOT_SHOWN, "the reply is not shown", doing="blocked in recv", places=places)
    assert expect.explain(fault, (*events, typed(b"a\n")), [server, client]).splitlines() == [
        "The reply is not shown.",
        "your server started as: ./server",
        "your client started as: ./client",
        "typed: 'a\\n'",
        "your server: blocked in accept",
        "your client: blocked in recv",
        "in its source: client.c, line 7",
        "your server printed:",
        "  up",
        "your client printed on stderr:",
        "  hm",
    ]


def test_how_a_client_left_stands_among_what_it_sent() -> None:
    events = (
        sent(b"half"),
        Event(at_ms=1, kind=EventKind.RESET, who="client A"),
        Event(at_ms=2, kind=EventKind.HALF_CLOSED, who="client B"),
        Event(at_ms=3, kind=EventKind.RESET, who="client C", text="left without reading what had arrived"),
        GONE,
    )
    assert explain(FaultError(Reason.CRASHED, "gone"), events, b"").splitlines()[1:] == [
        "client A sent: 'half'",
        "client A reset the connection",
        "client B closed its side of the connection",
        "client C reset the connection (left without reading what had arrived)",
    ]


def test_messages_are_said_in_words_where_the_assignment_can() -> None:
    events = (Event(at_ms=1, kind=EventKind.SENT, who="client A", data=b"\0\1", size_bytes=2, means="DATA 1"),)
    fault = FaultError(Reason.WRONG_REPLY, "it differs", b"\0\2", b"\0\3")
    told = expect.explain(fault, events, [], lambda data: f"ACK {data[1]}").splitlines()
    assert told == [
        "It differs.",
        "client A sent: DATA 1: '\\x00\\x01'",
        "expected: '\\x00\\x02'",
        "received: '\\x00\\x03'",
        "               " + "^",
        "in words, expected: ACK 2",
        "in words, received: ACK 3",
    ]


def test_what_was_printed_is_no_message_to_be_said_in_words() -> None:
    printed = FaultError(Reason.NOT_SHOWN, "its output is not what it must be", b"up", b"down")
    words = expect.explain(printed, (), [expect.Voice("program", "")], lambda data: f"{len(data)} bytes")
    assert "in words" not in words
    received = FaultError(Reason.WRONG_REPLY, "different", b"up", b"down")
    words = expect.explain(received, (), [expect.Voice("program", "")], lambda data: f"{len(data)} bytes")
    assert words.endswith("in words, expected: 2 bytes\nin words, received: 4 bytes")


def test_a_place_never_comes_between_what_was_printed_and_the_words_for_that() -> None:
    place = Place("client.py", 45, "main", 45, ("print(lines)",), "where it last printed something on stdout")
    fault = FaultError(Reason.NOT_SHOWN, "wrong", places=(place,))
    assert explain(fault, (), b"down\n").splitlines() == [
        "Wrong.",
        "in its source: client.py, line 45, in main (where it last printed something on stdout)",
        "  >   45  print(lines)",
        "it printed:",
        "  down",
    ]


def test_of_a_network_it_is_told_what_became_of_each_datagram() -> None:
    def through(kind: EventKind, text: str, means: str = "") -> Event:
        return Event(at_ms=2, kind=kind, who="the network", text=text, data=b"x", size_bytes=1, means=means)

    events = (
        STARTED,
        through(EventKind.RECEIVED, "for the server; lost", "DATA 1"),
        through(EventKind.RECEIVED, "for the server: DATA 2; passed on"),
        through(EventKind.SENT, "to the server: DATA 2"),
        through(EventKind.RECEIVED, "for the client; passed on twice"),
    )
    assert explain(FaultError(Reason.EXIT_STATUS, "it failed"), events, b"").splitlines() == [
        "It failed.",
        "started as: python3 server.py 20000",
        "to the server, lost: DATA 1",
        "to the server, passed on: DATA 2",
        "to the client, passed on twice: 'x'",
    ]


@pytest.mark.parametrize(
    ("complained", "read"),
    [
        (b"Traceback (most recent call last):\n  File ...\nOSError: no\n", READ_WHY),
        (b"Is a directory\n", READ_WORDS),
        (b" \n", READ_NOTHING),
    ],
)
def test_what_a_hint_says_depends_on_what_there_is_to_read(complained: bytes, read: str) -> None:
    assert (
        expect.what_to_read([expect.Voice("your server", ""), expect.Voice("your client", "", b"", complained)]) == read
    )
