"""The console report: golden at 80 columns, whole at every width, deaf to student text."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from grader.model import Outcome, Report
from grader.report import console, safe, text
from grader.wire.transcript import first_difference, side_by_side
from grader.wire.transcript import shown as bytes_shown
from tests.report.commands import obeyed
from tests.report.examples import (
    BOTH,
    BROKEN_OFF,
    CLIENT_ABSENT,
    CLIENT_UNBUILT,
    FRAGMENTS,
    FULL,
    HOSTILE,
    IN_PART,
    PERFECT,
    UNBUILT,
    UNBUILT_UNSAID,
    UNJUDGED,
    report_strategy,
)
from tests.report.golden import assert_golden

SGR = re.compile(r"\x1b\[[0-9;]*m")
# What wrapping may add or take: white space, and the bar before a quoted line.
LAYOUT = re.compile(r"[\s\u2502]")


def shown(report: Report, *, width: int = 80, quiet: bool = False, verbose: bool = False, colour: bool = False) -> str:
    file = io.StringIO()
    console.show(
        report,
        Console(file=file, width=width, color_system="truecolor" if colour else None, force_terminal=colour),
        quiet=quiet,
        verbose=verbose,
    )
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("full.txt", FULL),
        ("perfect.txt", PERFECT),
        ("unjudged.txt", UNJUDGED),
        ("in_part.txt", IN_PART),
        ("broken_off.txt", BROKEN_OFF),
        ("unbuilt.txt", UNBUILT),
        ("unbuilt_unsaid.txt", UNBUILT_UNSAID),
        ("both.txt", BOTH),
        ("client_unbuilt.txt", CLIENT_UNBUILT),
        ("client_absent.txt", CLIENT_ABSENT),
    ],
)
def test_report_is_the_golden_one(name: str, report: Report) -> None:
    assert_golden(name, console.render(report))


def test_quiet_leaves_only_the_end() -> None:
    assert_golden("quiet.txt", shown(FULL, quiet=True).encode())
    assert shown(FULL).endswith(shown(FULL, quiet=True))


def test_quiet_says_the_points_of_each_program() -> None:
    assert shown(BOTH, quiet=True).splitlines()[-6:-2] == [
        "Server: 2 of 6 points, 1 more not yet judged",
        "Client: 2 of 6.5 points",
        "Together: 0 of 2 points",
        "Score: 4 of 14.5 points, 1 more not yet judged",
    ]


@given(report=report_strategy)
def test_every_check_stands_in_one_section(report: Report) -> None:
    sections = text.sections(report)
    assert sorted(id(check) for section in sections for check in section.checks) == sorted(map(id, report.checks))
    assert report.role == "both" or [section.heading for section in sections] == [""]


def test_the_first_failure_of_each_program_is_explained_in_full() -> None:
    def hints(*names: str) -> list[str]:
        failed = [msgspec.structs.replace(FRAGMENTS, id=name, hint=f"try {name}") for name in names]
        return re.findall(r"Hint: try (\S+)", shown(msgspec.structs.replace(BOTH, checks=tuple(failed))))

    assert hints("server.a", "server.b", "client.a", "client.b", "pair.a") == ["server.a", "client.a"]
    assert hints("pair.a", "pair.b") == ["pair.a"]


def test_last_line_is_the_next_step() -> None:
    assert shown(PERFECT).splitlines()[-1] == "All checks passed."
    assert shown(UNBUILT).splitlines()[-1].startswith("Next: fix the build: server.c:17:23: error:")


@given(report=report_strategy)
def test_no_control_character_of_a_submission_gets_through(report: Report) -> None:
    raw = shown(report, width=60)
    assert safe.visible(raw) == raw
    assert "\t" not in raw
    assert SGR.sub("", shown(report, width=60, colour=True)) == raw


@given(report=report_strategy, width=st.integers(20, 130), colour=st.booleans())
def test_no_line_is_a_command_however_it_is_wrapped(report: Report, width: int, colour: bool) -> None:
    assert obeyed(SGR.sub("", shown(report, width=width, colour=colour))) == []


def test_wrapping_makes_no_command() -> None:
    # The blank before the colons is the last that fits, so they begin the next line.
    message = f"{'x' * 68} ::error file=a.py::all is well ##[error]y"
    report = msgspec.structs.replace(FULL, checks=(msgspec.structs.replace(HOSTILE, message=message),))
    assert r"       \x3a:error file=a.py::all is well \x23#[error]y" in shown(report).splitlines()
    green = shown(report, colour=True)
    assert SGR.sub("", green) == shown(report)


def test_escape_sequences_are_shown_not_dropped() -> None:
    assert r"\x1b[2J\x1b]0;owned\x07 [link=http://x]x[/link]" in shown(FULL, width=110)
    assert "[bold red]markup[/bold red]" in shown(FULL, width=110)


def of_build(log: str) -> Report:
    """A report whose build has left this log."""
    failed = msgspec.structs.replace(UNBUILT.checks[0], message=f"$ make server\n{log}")
    return msgspec.structs.replace(UNBUILT, checks=(failed, *UNBUILT.checks[1:]))


@pytest.mark.parametrize(
    ("log", "left"),
    [
        ("\n".join(f"x.c:{n}:1: error" for n in range(1, 100)), "40 more lines"),
        ("\n".join(f"x.c:{n}:1: error {'y' * 900}" for n in range(1, 7)), "2 more lines"),
        ("\n".join(f"x.c:{n}:1: error {'y' * 9000}" for n in range(1, 6)), "1 more line "),
        ("\n".join(f"x.c:{n}:1: error" for n in range(1, 60)), ""),
    ],
    ids=["many-lines", "long-lines", "very-long-lines", "just-enough"],
)
def test_of_a_long_build_log_the_first_errors_are_shown(log: str, left: str) -> None:
    printed = shown(of_build(log))
    assert "x.c:1:1: error" in printed
    assert (f"\u2026 {left}" in printed) if left else ("more line" not in printed)
    assert "more line" not in shown(of_build(log), verbose=True)


def unescaped(printed: str) -> str:
    """With the characters again whose escapes keep a line from being a command."""
    return re.sub(r"\\x(23|2b|2d|3a|5e|7e)", lambda match: chr(int(match[1], 16)), printed)


@given(report=report_strategy, width=st.integers(20, 130))
def test_evidence_is_wrapped_never_cut(report: Report, width: int) -> None:
    everything = LAYOUT.sub("", unescaped(shown(report, width=width, verbose=True)))
    for check in report.checks:
        if check.outcome not in {Outcome.PASSED, Outcome.SKIPPED}:
            assert LAYOUT.sub("", unescaped(safe.visible(check.message))) in everything


@given(width=st.integers(40, 130))
def test_lines_fit_and_carry_no_trailing_space(width: int) -> None:
    for line in shown(FULL, width=width).splitlines():
        assert len(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_narrow_encodings_get_other_marks(encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True, newline="\n")
    console.show(FULL, Console(file=file, width=80, color_system=None))
    lines = raw.getvalue().decode(encoding).splitlines()
    assert "+    2/2  answers a line" in lines
    assert "x    0/3  answers a line that arrives in two pieces, wherever it is cut" in lines


@given(report=report_strategy)
def test_ascii_never_raises(report: Report) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict", write_through=True)
    console.show(report, Console(file=file, width=80, color_system="standard", force_terminal=True))


def test_colours_are_the_callers_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = io.StringIO()
    console.show(FULL, Console(file=forced, width=80))
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    bare = io.StringIO()
    console.show(FULL, Console(file=bare, width=80))
    assert "\x1b[" in forced.getvalue()
    assert bare.getvalue() == console.render(FULL).decode()


def test_two_checks_of_one_name_are_both_shown() -> None:
    twice = msgspec.structs.replace(FULL, checks=(HOSTILE, HOSTILE))
    assert shown(twice).count("The program crashed or exited with an error.") == 2


def test_only_a_complete_and_perfect_score_is_green() -> None:
    green = "\x1b[1;32mScore: 2 of 2 points"
    assert green in shown(PERFECT, colour=True)
    assert green not in shown(UNJUDGED, colour=True)


# Bytes that are printed as several characters, that are cut, and that a CI system would obey.
LIKELY = st.lists(st.sampled_from([b"a", b"\x00", b"'", b"\n", b"##vso[x]", b"::error::", b"\xff" * 40]), max_size=40)


def compared(expected: bytes, received: bytes, width: int, encoding: str) -> list[str]:
    """The lines of a report that compare these, without the margin."""
    message = "\n".join(["It is wrong.", *side_by_side(expected, received), "the program: running"])
    failed = msgspec.structs.replace(FULL.checks[0], outcome=Outcome.FAILED, message=message)
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    console.show(msgspec.structs.replace(FULL, checks=(failed,)), Console(file=file, width=width, color_system=None))
    file.seek(0)
    lines = file.read().splitlines()
    carets = [number for number, line in enumerate(lines) if line.strip(" \u2502|") == "^"]
    assert len(carets) == 1
    return lines[: carets[0] + 1]


@given(LIKELY, LIKELY, LIKELY, st.integers(10, 130), st.sampled_from(["utf-8", "ascii"]))
def test_the_caret_stands_below_the_byte_that_differs(
    common: list[bytes], left: list[bytes], right: list[bytes], width: int, encoding: str
) -> None:
    expected, received = (b"".join(common + rest) for rest in (left, right))
    *_, above, caret = compared(expected, received, width, encoding)
    at = first_difference(expected, received)
    first = bytes_shown(received[at : at + 1])[1:-1] if at < len(received) else "'"
    column = caret.index("^")
    # What a CI system would obey is escaped, and begins with a backslash then.
    assert above[column] in {first[0] if first != '"' else "'", "\\"}, (above, caret)
    assert above[column] != "\\" or first[0] in "\\'#:"


def test_a_comparison_is_broken_where_lines_end() -> None:
    lines = compared(b"a" * 70, b"a" * 20 + b"b" * 50, 30, "utf-8")
    assert [line[5:] for line in lines[-5:]] == [
        "expected: 'aaaaaaaaaaaaaa",
        "received: 'aaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaabbbbbbbbbbbbbbbbbbb",
        "      ^",
    ]
