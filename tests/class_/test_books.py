"""Gradebooks as platforms import them: one column is filled, all else stays; read back by csv."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.class_.books.platforms import PLATFORMS, Book, Filled
from grader.class_.model import Class, Result, Row, State, Student
from grader.errors import UsageError
from grader.report.text import number

TITLES = ("TCP upper case", "tcp_uppercase")
CANVAS = (
    '\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Other (1),"TCP upper case (77)",Final Score\r\n'
    ",,,,,,Manual Posting,\r\n"
    "    Points Possible,,,,,10,50,(read only)\r\n"
    '"Doe, Jane",12345,S001,jdoe,"CS ""101""",7,,90\r\n'
    '"Nguyen, An",12346,S002,anguyen,CS 101,,"",80\r\n'
    '"Roe, Al",12347,S003,al,=cmd|x,,12,70\r\n'
    '"Student, Test",99,,,CS 101,,,\r\n'
)
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade)\n"
    'Participant 4455,Jane Doe,jdoe@x.edu,"Submitted for grading",,"50,00",Yes,-\n'
    'Participant 4456,An Nguyen,an@x.edu,"No submission",,"50,00",No,-\n'
)
GRADESCOPE = (
    "First Name,Last Name,SID,Email,Sections,Total Score,Max Points,Status\nJane,Doe,S001,jdoe@x.edu,,,50.0,Ungraded\n"
)
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"TCP upper case [Total Pts: 50 Score] |1234"\t"All"\n'
    '"Doe"\t"Jane"\t"jdoe"\t"S001"\t""\t"3"\n'
)
BRIGHTSPACE = (
    "OrgDefinedId,Username,Last Name,First Name,TCP upper case Points Grade <Numeric MaxPoints:50>,"
    "End-of-Line Indicator\n#S001,#jdoe,Doe,Jane,,#\n"
)
JANE = Student("jdoe", "Jane Doe", {"username": "jdoe"}, "jdoe@x.edu")


def _filled(tmp_path: Path, kind: str, content: bytes, graded: Class, column: str = "") -> Filled:
    (tmp_path / "export.csv").write_bytes(content)
    return Book(f"{kind}={tmp_path / 'export.csv'}{column}", TITLES).filled(graded)


def _class(*rows: Row) -> Class:
    return msgspec.convert(
        {
            "assignment": "tcp_uppercase",
            "title": "TCP upper case",
            "version": "1",
            "seed": 1,
            "sandbox": "local",
            "max_score": 50,
            "checks": [],
            "rows": msgspec.to_builtins(rows),
            "started": datetime.now(UTC),
        },
        Class,
    )


def _row(student: Student, score: float, state: State = "graded") -> Row:
    result = {
        "kept_as": "",
        "sha256": "",
        "alike": "",
        "score": score,
        "max_score": 50,
        "unjudged": 0,
        "outcomes": {},
        "undecided": [],
        "blocked_by": [],
        "points": {},
        "lost": [],
        "duration_s": 1,
        "finished": datetime.now(UTC),
    }
    return Row(student, state, None if state == "missing" else msgspec.convert(result, Result))


def test_canvas_one_column_is_filled_and_every_other_byte_stays(tmp_path: Path) -> None:
    rows = (
        _row(Student("doejane", "doejane", {"canvas_id": "12345"}), 37.5),
        _row(Student("an", "An Nguyen"), 50, "unjudged"),
        _row(Student("al", "Al Roe"), 0, "missing"),
        _row(Student("eva", "Eva Else"), 12),
    )
    filled = _filled(tmp_path, "canvas", CANVAS.encode(), _class(*rows))
    assert filled.content == CANVAS.replace('101""",7,,90', '101""",7,37.5,90').encode()
    assert filled.grades == 1
    assert filled.notes == (
        "'An Nguyen' has no grade yet (some points are not yet judged)",
        "'Al Roe' has no grade yet (nothing was handed in), which has '12' in this gradebook",
        "'Eva Else' is not in this gradebook",
    )


def test_moodle_worksheet_with_decimal_commas_and_a_locked_grade(tmp_path: Path) -> None:
    jane, an = Student("j", "Jane", {"moodle_id": "4455"}), Student("an", "An Nguyen", {"moodle_id": "4456"})
    filled = _filled(tmp_path, "moodle", MOODLE.encode("utf-8-sig"), _class(_row(jane, 37.5), _row(an, 10)))
    assert filled.content == MOODLE.replace('grading",,', 'grading","37,5",').encode("utf-8-sig")
    assert filled.notes == ("'An Nguyen' has a grade that can't be changed, as this gradebook says",)


@pytest.mark.parametrize(
    ("kind", "text", "encoding", "before", "after"),
    [
        ("gradescope", GRADESCOPE, "utf-8", "edu,,,50.0", "edu,,42,50.0"),
        ("blackboard", BLACKBOARD, "utf-16", '"S001"\t""', '"S001"\t"42"'),
        ("brightspace", BRIGHTSPACE, "utf-8", "Jane,,#", "Jane,42,#"),
    ],
)
def test_the_other_platforms(tmp_path: Path, kind: str, text: str, encoding: str, before: str, after: str) -> None:
    filled = _filled(tmp_path, kind, text.encode(encoding), _class(_row(JANE, 42)))
    assert filled.content == text.replace(before, after).encode(encoding)
    assert filled.notes == ()


def test_another_maximum_is_said(tmp_path: Path) -> None:
    text = CANVAS.replace("10,50,(read", "10,100,(read")
    filled = _filled(tmp_path, "canvas", text.encode(), _class(_row(JANE, 42)))
    assert filled.notes[0] == (
        "'TCP upper case (77)' has a maximum of 100, but this assignment gives 50 points: "
        "they were filled in as they are"
    )
    assert filled.notes[1:] == (
        "'Nguyen, An' is in this gradebook, but not in the class",
        "'Roe, Al' is in this gradebook, but not in the class",
    )


def test_two_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    text = "First Name,Last Name,SID,Email,Total Score,Max Points\nJane,Doe,1,j1@x,,50\nJane,Doe,2,j2@x,,50\n"
    filled = _filled(tmp_path, "gradescope", text.encode(), _class(_row(Student("x", "Jane Doe"), 42)))
    assert filled.content == text.encode()
    assert filled.notes == ("'Jane Doe' may be one of several in this gradebook: fill in the grade by hand",)


def test_a_column_can_be_named(tmp_path: Path) -> None:
    filled = _filled(tmp_path, "canvas", CANVAS.encode(), _class(_row(JANE, 42)), ":Other")
    assert '101""",42,,90' in filled.content.decode()


@pytest.mark.parametrize(
    ("wanted", "content", "words"),
    [
        ("canvas", CANVAS, "must be PLATFORM=FILE, where PLATFORM is one of canvas, moodle"),
        ("sakai=FILE", CANVAS, "must be PLATFORM=FILE"),
        ("canvas=FILE", MOODLE, "has no column for grades: canvas exports it from Grades > Export"),
        (
            "canvas=FILE",
            CANVAS.replace("TCP upper case", "HW1"),
            r"has several columns for grades; name one as in .*'HW1",
        ),
        ("canvas=FILE:HW2", CANVAS, "has no column 'HW2' for grades"),
        ("canvas=absent.csv", CANVAS, "can't be read"),
        ("canvas=FILE", "HW1 (7)\n1\n", "no column that says who a student is"),
    ],
)
def test_what_can_not_be_filled_is_one_sentence(tmp_path: Path, wanted: str, content: str, words: str) -> None:
    (tmp_path / "export.csv").write_text(content)
    with pytest.raises(UsageError, match=words):
        Book(wanted.replace("FILE", str(tmp_path / "export.csv")), TITLES)


@given(
    st.lists(st.text(st.sampled_from('ab",;\n é=@|'), max_size=8), min_size=1, max_size=6),
    st.sampled_from(sorted(PLATFORMS)),
    st.floats(0, 50),
)
def test_an_independent_reader_finds_the_grades_and_nothing_else_changed(
    tmp_path_factory: pytest.TempPathFactory, others: list[str], kind: str, score: float
) -> None:
    columns = {"canvas": "X (1)", "moodle": "Grade", "gradescope": "Total Score"}
    columns |= {"blackboard": "X [Total Pts: 50 Score] |1", "brightspace": "X Points Grade"}
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows(
        [["Username", columns[kind], "Note"], *([f"u{at}", "", text] for at, text in enumerate(others))]
    )
    content = sheet.getvalue().encode()
    filled = _filled(tmp_path_factory.mktemp("book"), kind, content, _class())
    assert filled.content == content
    rows = tuple(_row(Student(f"u{at}", ids={"username": f"u{at}"}), score) for at in range(len(others)) if at % 2)
    filled = _filled(tmp_path_factory.mktemp("book"), kind, content, _class(*rows))
    read = [*csv.DictReader(io.StringIO(filled.content.decode(), newline=""))]
    assert [row["Note"] for row in read] == others
    assert [row[columns[kind]] for row in read] == [number(score) if at % 2 else "" for at in range(len(others))]
