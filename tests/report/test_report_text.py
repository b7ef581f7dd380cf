"""The words that reports share."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import Reason
from grader.model import BuildResult, Event, EventKind, Narrowed, Outcome, SourceLine
from grader.report import build_log, text, transcript
from tests.report.examples import (
    ALONE,
    BOTH,
    CLIENT_UNBUILT,
    FRAGMENTS,
    FULL,
    IN_PART,
    INCONCLUSIVE,
    LONG,
    PASSED,
    PERFECT,
    SKIPPED,
    UNBUILT,
    UNBUILT_UNSAID,
    UNJUDGED,
)


def test_every_outcome_and_event_has_its_words() -> None:
    assert set(text.OUTCOMES) == set(Outcome)
    assert set(transcript.EVENTS) == set(EventKind)


def test_timeline_shows_split_points_and_columns() -> None:
    assert transcript.timeline(FRAGMENTS) == [
        "+0.08 ms  client A  connected",
        r"+0.31 ms  client A  sent 'he' | 'llo\n' (2 pieces)",
        "+0.74 ms  client A  received 'HE'",
        "+0.91 ms  program   kernel: blocked in recv on client A's socket, nothing unread",
        "+1.01 ms  grader    verdict: It replied early. The program: blocked in recv; client A has 4 unread bytes.",
        "+1.02 ms  client A  connection reset by the other side",
    ]


def test_timeline_shows_head_gap_and_tail() -> None:
    frozen, sent, _, equal, empty, *_ = transcript.timeline(LONG)
    assert frozen == "   +0.10 ms  grader    stopped (SIGSTOP): every thread of the program"
    assert sent.endswith(rf"sent 'aaaa' | '{'a' * 28}' … 977 bytes … '{'a' * 15}\n' (3 pieces)")
    assert equal.endswith(r"sent 'world, again\n' (13 pieces of 1 byte)")
    assert empty.endswith("received ''")


def test_split_point_in_the_tail_counts_the_gap() -> None:
    event = Event(
        at_ms=0,
        kind=EventKind.SENT,
        who="client A",
        data=b"abWXYZ",
        size_bytes=106,
        omitted_bytes=100,
        head_bytes=2,
        pieces=(104, 2),
    )
    assert transcript.what(event) == "sent 'ab' … 100 bytes … 'WX' | 'YZ' (2 pieces)"


@given(data=st.binary(max_size=60), pieces=st.lists(st.integers(0, 20), max_size=10))
def test_parts_hold_every_byte_in_order(data: bytes, pieces: list[int]) -> None:
    event = Event(at_ms=0, kind=EventKind.SENT, who="a", data=data, size_bytes=len(data), pieces=tuple(pieces))
    shown = [part.text for part in transcript.parts(event) if part.kind == "bytes"]
    assert b"".join(eval(f"b{literal}") for literal in shown) == data  # noqa: S307 - what repr wrote


@pytest.mark.parametrize(("value", "shown"), [(2.0, "2"), (0.5, "0.5"), (10, "10"), (10 / 3, "3.33"), (1e6, "1000000")])
def test_number_as_people_write_it(value: float, shown: str) -> None:
    assert text.number(value) == shown


def test_next_step_is_the_first_failed_check() -> None:
    assert text.next_step(FULL) == text.Step(FRAGMENTS.title, FRAGMENTS.hint)


def test_next_step_without_a_hint_gives_the_reason() -> None:
    blunt = msgspec.structs.replace(FULL, checks=(msgspec.structs.replace(FRAGMENTS, hint=""),))
    assert text.next_step(blunt).hint == "it replied before the message was complete"


def test_next_step_when_nothing_failed() -> None:
    assert text.next_step(PERFECT).is_done
    assert text.next_step(UNJUDGED) == text.Step(INCONCLUSIVE.title, text.ADVICE[Reason.STARVED])
    assert not text.next_step(msgspec.structs.replace(PERFECT, checks=())).is_done
    assert "can be started again" in text.next_step(msgspec.structs.replace(PERFECT, checks=(PASSED, ALONE))).hint


def test_what_could_not_be_judged_is_neither_earned_nor_lost() -> None:
    words = "neither earned nor lost, for a person to review."
    assert text.unjudged_line(UNJUDGED) == f"1 check could not be judged: 1 point {words}"
    assert text.unjudged_line(FULL) == (
        f"3 checks could not be judged (including 1 that depends on another): 3 points {words}"
    )
    assert text.unjudged_line(PERFECT) == ""


def test_a_report_of_a_part_says_so() -> None:
    assert text.narrowed_line(IN_PART) == (
        "Only part of the assignment was graded (--role server --only server.answers and what it depends on): "
        "2 of its 82 points."
    )
    of_role = msgspec.structs.replace(IN_PART, narrowed=Narrowed(role="server", only=(), full_score=82))
    assert text.narrowed_line(of_role) == "Only part of the assignment was graded (--role server): 2 of its 82 points."
    assert text.narrowed_line(FULL) == ""


def test_skipped_checks_fold_by_their_reason() -> None:
    first, second = text.not_played(FULL.checks)
    assert first.checks == SKIPPED
    assert text.not_played_line(first).startswith("3 checks (6 points) skipped: depends on “answers a line")
    assert text.not_played_line(second) == (
        "“can be started again at once” (1 point) skipped: a check that this one depends on could not be judged"
    )


def test_a_failed_build_is_said_once() -> None:
    assert text.build_stands_alone(UNBUILT_UNSAID)
    assert not text.build_stands_alone(UNBUILT)
    assert not text.build_stands_alone(FULL)
    assert text.next_step(UNBUILT) == text.next_step(UNBUILT_UNSAID)


@pytest.mark.parametrize(
    ("log", "fault"),
    [
        (UNBUILT.build.log, "server.c:17:23: error: expected ';' before 'return'"),
        ("note\nServer.java:3: error: cannot find symbol\n", "Server.java:3: error: cannot find symbol"),
        ("# echo\n./main.go:5:2: undefined: x\n", "./main.go:5:2: undefined: x"),
        ("ld: s.o: undefined reference to `foo'\nx\n", "ld: s.o: undefined reference to `foo'"),
        ('  File "s.py", line 2\nSyntaxError: invalid syntax\n', "SyntaxError: invalid syntax"),
        ("make: *** No rule to make target 'server'.  Stop.\n", "make: *** No rule to make target 'server'. Stop."),
        ("a\nthe last word\n\n", "the last word"),
        ("", "the build printed nothing; run its command by hand"),
    ],
)
def test_first_fault_is_the_compilers_own_line(log: str, fault: str) -> None:
    assert build_log.first_fault(log) == fault


@pytest.mark.parametrize(
    ("log", "place"),
    [
        ("server.c:14:5: warning: unused\nsrc/server.c:17:23: error: expected ';'", ("src/server.c", 17)),
        ("./server.c:3: fatal error: no.h: No such file", ("server.c", 3)),
        ("Server.java:9: error: cannot find symbol", ("Server.java", 9)),
        ("# course/server\n./server.go:12:2: undefined: x", ("server.go", 12)),
        ("a \x1b[2Jb.c:1: error: x", ("a \\x1b[2Jb.c", 1)),
        ("error[E0425]: cannot find value `x`", None),
        ("server.c:99999999: error: no line has so many digits", None),
        ("", None),
    ],
)
def test_the_place_of_a_failed_build_is_what_the_compiler_names(log: str, place: tuple[str, int] | None) -> None:
    found = build_log.fault_place(log)
    assert (found and (found.file, found.line)) == place


def test_a_check_has_a_place_only_if_it_failed() -> None:
    place = SourceLine(file="server.py", line=3)
    assert text.place(msgspec.structs.replace(FRAGMENTS, place=place)) == place
    assert text.place(msgspec.structs.replace(PASSED, place=place)) is None
    assert text.place(UNBUILT.checks[0]) == SourceLine(file="server.c", line=17)


def test_the_next_step_names_the_program_whose_build_failed() -> None:
    # The other one's log stands before it, and has a line that looks like a fault.
    assert text.next_step(CLIENT_UNBUILT).hint == (
        "fix the client's build: server.c:17:23: error: expected ';' before 'return'"
    )
    unsaid = msgspec.structs.replace(CLIENT_UNBUILT, checks=())
    assert text.next_step(unsaid).hint == "fix the build: x.c:1:1: error: fine"


def test_subtotals_add_up_to_the_score() -> None:
    words = [section.heading for section in text.sections(BOTH)]
    server = "Server: 2 of 6 points, 1 more not yet judged"
    assert words == [server, "Client: 2 of 6.5 points", "Together: 0 of 2 points"]
    assert text.score_line(BOTH) == "Score: 4 of 14.5 points, 1 more not yet judged"
    (alone,) = text.sections(FULL)
    assert (alone.heading, alone.checks) == ("", FULL.checks)


def test_a_section_without_checks_is_not_shown() -> None:
    left = msgspec.structs.replace(BOTH, checks=BOTH.checks[3:4])
    assert [section.heading for section in text.sections(left)] == ["Client: 2 of 2 points"]


def test_what_a_message_means_stands_before_its_bytes_and_not_twice() -> None:
    event = Event(at_ms=0, kind=EventKind.RECEIVED, who="a", text="a datagram", data=b"\0", size_bytes=1, means="ACK 1")
    assert transcript.what(event) == r"received: a datagram; ACK 1 '\x00'"
    told = msgspec.structs.replace(event, text="for the client: ACK 1; lost")
    assert transcript.what(told) == r"received: for the client: ACK 1; lost '\x00'"


_LOG = """server.c:3:9: warning: unused variable 'x' [-Wunused-variable]
server.c:22:32: warning: passing argument 1 of 'strlen' from incompatible pointer type
"""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (_LOG, f"The compiler warns (and 1 other): {_LOG.splitlines()[1]}"),
        (_LOG.partition("\n")[0], f"The compiler warns: {_LOG.splitlines()[0]}"),
        ("gcc -o server server.c\n", ""),
        ("S.java:7: warning: [static] \x1b[31mred", "The compiler warns: S.java:7: warning: [static] \\x1b[31mred"),
    ],
)
def test_the_first_warning_that_matters_is_told_of_a_program_that_fails(log: str, said: str) -> None:
    built = BuildResult(outcome=Outcome.PASSED, log=log)
    report = msgspec.structs.replace(FULL, build=built)
    assert text.warnings_line(report) == said
    passed = [check for check in FULL.checks if check.outcome is Outcome.PASSED]
    assert not text.warnings_line(msgspec.structs.replace(report, checks=passed))
    assert not text.warnings_line(
        msgspec.structs.replace(report, build=msgspec.structs.replace(built, outcome=Outcome.FAILED))
    )
