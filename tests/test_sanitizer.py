"""Which failures are worth a second look, and reading what sanitizers print, whoever has printed it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from grader.catalogue import behaviour_of
from grader.checks import server_tcp_clients
from grader.errors import Reason
from grader.model import CheckResult, Event, EventKind, Outcome, SourceLine
from grader.sanitizer import beside, first_report, worth_asking
from grader.submission import Submission, take
from tests.report.examples import FRAGMENTS

SERVER = '#include "net.h"\nint main(void) {\n    strcpy(reply, line);\n}\n'
OVERFLOW = """\
Listening on 5000
=================================================================
==7==ERROR: AddressSanitizer: stack-buffer-overflow on address 0x7ffd1 at pc 0x7f2 bp 0x7ffd2 sp 0x7ffd3
WRITE of size 43 at 0x7ffd1 thread T0
    #0 0x7f2a11 in __interceptor_strcpy ../../../../src/libsanitizer/asan/asan_interceptors.cpp:440
    #1 0x55d101 in handle(int, char const*) /work/src/net.c:2
    #2 0x55d102 in main /work/server.c:3
    #3 0x7f2b09  (/lib/x86_64-linux-gnu/libc.so.6+0x271c9)

Address 0x7ffd1 is located in stack of thread T0 at offset 48 in frame
    #0 0x55d100 in main /work/server.c:1
"""
NULL = """\
AddressSanitizer:DEADLYSIGNAL
=================================================================
==7==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000000 (pc 0x55 bp 0x7f sp 0x7e T0)
==7==The signal is caused by a WRITE memory access.
==7==Hint: address points to the zero page.
    #0 0x55d101 in main /work/server.c:3
"""
FREED = """\
==7==ERROR: AddressSanitizer: attempting double-free on 0x602000000010 in thread T0:
    #0 0x7f2a11 in __interceptor_free ../../../../src/libsanitizer/asan/asan_malloc_linux.cpp:52
    #1 0x55d101 in main server.c:3
    #2 0x55d101 in main /work/server.c:3:9
"""
UNDEFINED = "../src/net.c:1:9: runtime error: index 70 out of bounds for type 'char [64]'\n"


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    folder = tmp_path_factory.mktemp("submission")
    (folder / "src").mkdir()
    (folder / "server.c").write_text(SERVER)
    (folder / "src" / "net.c").write_text("int used;\nint more;\n")
    return take(folder)


def printed(*texts: str, outcome: Outcome = Outcome.FAILED, reason: Reason = Reason.CRASHED) -> CheckResult:
    """A check in whose transcript the program has printed these on stderr."""
    events = tuple(
        Event(at_ms=1, kind=EventKind.OUTPUT, who="program", text="stderr", data=text.encode()) for text in texts
    )
    return msgspec.structs.replace(FRAGMENTS, outcome=outcome, reason=reason, evidence=events)


@pytest.mark.parametrize(
    ("text", "kind", "words", "place", "function"),
    [
        (OVERFLOW, "stack-buffer-overflow", "writes memory beyond a local array", ("src/net.c", 2), "handle"),
        (NULL, "SEGV", "uses a null pointer", ("server.c", 3), "main"),
        (FREED, "double-free", "frees the same memory twice", ("server.c", 3), "main"),
        (
            UNDEFINED,
            "undefined-behavior",
            "does something that the language leaves undefined: index 70 out of bounds for type 'char [64]'",
            ("src/net.c", 1),
            "",
        ),
    ],
)
def test_a_report_has_its_kind_and_the_innermost_own_line(
    submission: Submission, text: str, kind: str, words: str, place: tuple[str, int], function: str
) -> None:
    found = first_report([printed(text)], submission)
    assert found is not None
    assert (found.kind, found.words, found.function) == (kind, words, function)
    assert found.place == SourceLine(file=place[0], line=place[1])
    own = {"server.c": SERVER, "src/net.c": "int used;\nint more;\n"}
    assert found.source == own[place[0]].splitlines()[place[1] - 1].strip()


def test_an_error_counts_more_than_what_is_undefined_before_it(submission: Submission) -> None:
    found = first_report([printed(UNDEFINED), printed(UNDEFINED, NULL)], submission)
    assert found is not None
    assert found.kind == "SEGV"


def test_a_report_may_come_in_pieces(submission: Submission) -> None:
    found = first_report([printed(*OVERFLOW)], submission)
    assert found == first_report([printed(OVERFLOW)], submission) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        NULL.replace("/work/server.c", "/usr/src/other.c"),
        OVERFLOW.replace("==7==ERROR", "ERROR"),
        UNDEFINED.replace("net.c", "nut.c"),
        NULL.replace("server.c:3", f"server.c:{'9' * 5000}"),
    ],
)
def test_what_names_no_line_that_was_handed_in_says_nothing(submission: Submission, text: str) -> None:
    assert first_report([printed(text)], submission) is None


def test_a_line_that_is_not_there_has_no_source(submission: Submission) -> None:
    found = first_report([printed(NULL.replace("server.c:3", "server.c:99"))], submission)
    assert found is not None
    assert (found.place.line, found.source) == (99, "")


@given(text=st.text(st.sampled_from("==7ERROR: AddressSanitizer -#0x in/workserver.c\n"), max_size=200))
def test_whatever_is_printed_is_read(text: str) -> None:
    nothing = Submission(name="x", sha256="", archive=take(Path(__file__)).archive, files=("server.c",))
    assert first_report([printed(text)], nothing) is None or "server.c" in text


def test_words_that_were_made_to_take_long_do_not(submission: Submission) -> None:
    error, frame = OVERFLOW.splitlines()[2], f"    #1 0x1 in f {' /a:1' * 190}x"
    began = time.process_time()
    assert first_report([printed("\n".join([error, *[frame] * 20] * 6))] * 20, submission) is None
    assert time.process_time() - began < 2


# which failure


def test_the_hint_does_not_ask_for_what_has_been_done(submission: Submission) -> None:
    found = first_report([printed(OVERFLOW)], submission)
    assert found is not None
    crashed = structs.replace(printed(reason=Reason.CRASHED), hint=hint_of("C"))
    check = beside(crashed, found)
    assert "-fsanitize" in crashed.hint
    assert "-fsanitize" not in check.hint
    assert check.hint.endswith(
        f" Begin at {found.place.file}, line {found.place.line}: the second look (above) says what goes wrong there."
    )
    assert check.sanitizer == found


def hint_of(language: str) -> str:
    row = behaviour_of(server_tcp_clients.test_connect_and_leave)
    assert row is not None
    return row.hint_for(Reason.CRASHED, language)


def test_the_most_telling_failure_is_asked() -> None:
    wrong, crashed = printed(reason=Reason.WRONG_REPLY), printed(reason=Reason.CRASHED)
    assert worth_asking([wrong, crashed, printed(reason=Reason.CRASHED)]) is crashed
    assert worth_asking([wrong, printed(reason=Reason.WRONG_REPLY)]) is wrong


@pytest.mark.parametrize(
    "check",
    [
        printed(reason=Reason.NO_REPLY),
        printed(reason=Reason.BACKLOG),
        printed(outcome=Outcome.INCONCLUSIVE, reason=Reason.CRASHED),
    ],
)
def test_other_failures_are_not(check: CheckResult) -> None:
    assert worth_asking([check]) is None
