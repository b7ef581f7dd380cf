"""Rosters of all platforms, and who is who."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.class_ import roster
from grader.class_.collect import Collected, collect
from grader.class_.model import Student
from grader.class_.people import People, name_forms
from grader.class_.roster import Roster
from grader.class_.table import Table
from grader.errors import UsageError
from tests.class_ import exports

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,HW1 (77)\n"
    ",,,,,Manual Posting\n"
    "    Points Possible,,,,,50\n"
    '"Doe, Jane",12345,S001,jdoe,CS 101,\n'
    '"Nguyen, An",12346,S002,anguyen,CS 101,\n'
    '"Student, Test",99,,,CS 101,\n'
)
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed\n"
    "Participant 4455,Jane Doe,jdoe@example.edu,Submitted,,50.00,Yes\n"
    "Participant 4456,An Nguyen,an@example.edu,No submission,,50.00,Yes\n"
)


def _load(tmp_path: Path, text: str, encoding: str = "utf-8") -> Roster:
    (tmp_path / "roster.csv").write_bytes(text.encode(encoding))
    return roster.load(tmp_path / "roster.csv")


def _keys(found: Collected) -> dict[str, int]:
    return {hand_in.student.key: len(hand_in.parts) for hand_in in found.hand_ins}


def test_canvas_export(tmp_path: Path) -> None:
    students = _load(tmp_path, CANVAS).students
    assert [(one.key, one.name) for one in students] == [("jdoe", "Doe, Jane"), ("anguyen", "Nguyen, An")]
    assert students[0].ids == {"canvas_id": "12345", "number": "S001", "username": "jdoe"}


def test_moodle_worksheet(tmp_path: Path) -> None:
    jane = _load(tmp_path, MOODLE).students[0]
    assert jane.ids == {"moodle_id": "4455"}
    assert jane.email == "jdoe@example.edu"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "Nachname,Vorname,E-Mail,Matrikelnummer\r\nMüller,Zoë,zm@example.edu,007\r\n".replace(",", delimiter)
    (zoe,) = _load(tmp_path, text, encoding).students
    assert (zoe.key, zoe.name, zoe.ids) == ("zm", "Zoë Müller", {"number": "007"})


def test_titles_above_the_columns(tmp_path: Path) -> None:
    text = "sep=;\nCS 101; autumn\n\nLast name;First name;Group;Late days\nDoe;Jane;Team 1;1,5\nRoe;Al;Team 1;soon\n"
    found = _load(tmp_path, text)
    assert [(one.name, one.group, one.late_days) for one in found.students] == [
        ("Jane Doe", "Team 1", 1.5),
        ("Al Roe", "Team 1", 0),
    ]
    assert found.notes == ("line 6 of the roster: 'soon' is not a number of late days, and counts as 0",)


def test_somebody_listed_twice_is_one(tmp_path: Path) -> None:
    text = "name,email\nJane Doe,j@x\nJane Doe,J@X\nAl Roe,j@x\nJane Doe,other@x\n"
    found = _load(tmp_path, text)
    assert [one.email for one in found.students] == ["j@x", "other@x"]
    assert len({one.key for one in found.students}) == 2
    assert found.notes == (
        "line 4 of the roster: 'Al Roe' has the ID or e-mail address of 'Jane Doe' in line 2, and was left out",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour,size\nred,1\n", "a name, an e-mail address, a user name or an ID was looked for; the first line has"),
        ("", "the first line has nothing"),
        ("name,email\n", "but no student"),
    ],
)
def test_a_roster_without_use_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        _load(tmp_path, text)


def test_a_workbook_or_nothing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Excel workbook: save it as CSV"):
        _load(tmp_path, "PK\x03\x04")
    with pytest.raises(UsageError, match="can't be read"):
        roster.load(tmp_path / "absent.csv")


def test_who_handed_in_nothing_has_a_row(tmp_path: Path) -> None:
    text = "name,ID,SIS Login ID\n" + "".join(
        f"{name},{number},{login}\n"
        for name, number, login in [
            ('"O\'Brien, Pat"', 12347, "pob"),
            ('"Nguyen, An"', 12346, "anguyen"),
            ('"Lazy, Lou"', 1, "lou"),
            ('"Doe, Jane"', 2, "jdoe"),
        ]
    )
    found = collect(exports.write(tmp_path / "in", exports.CANVAS), roster=_load(tmp_path, text))
    keys = _keys(found)
    # In the roster's order; Jane's number is wrong there, but her name is hers.
    assert [*keys.items()][:4] == [("pob", 2), ("anguyen", 1), ("lou", 0), ("jdoe", 2)]
    assert [*keys][4:] == ["anon-aB3xZ", "smithbob"]
    assert (
        "'smithbob_12348_67921_hw1.tar-2.gz' was not assigned to anybody in the roster: the roster has no 'smithbob'"
        in found.unassigned
    )


def test_moodle_numbers_are_no_other_ids(tmp_path: Path) -> None:
    text = "name,student id\nEva Other,4455\nDoe Jane,1\nAn Nguyen,2\n"
    found = collect(exports.write(tmp_path / "in", exports.MOODLE), roster=_load(tmp_path, text))
    assert [(one.student.name, len(one.parts)) for one in found.hand_ins] == [
        ("Eva Other", 0),
        ("Doe Jane", 1),
        ("An Nguyen", 1),
    ]


def test_two_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    text = "name,email\nJane Doe,jane1@x\nJane Doe,jane2@x\nAn Nguyen,an@x\n"
    found = collect(exports.write(tmp_path / "in", exports.MOODLE), roster=_load(tmp_path, text))
    assert _keys(found) == {"jane1": 0, "jane2": 0, "an": 1, "Jane-Doe": 1}
    assert any("it may be that of 'Jane Doe' and 'Jane Doe'" in words for words in found.unassigned)


def test_a_group_is_one_hand_in(tmp_path: Path) -> None:
    text = "name,username,group\nJane,jdoe,Red Pandas\nAn,an,Blue\nAl,al,Red Pandas\nLou,lou,\n"
    files = {"Red_Pandas/server.py": b"", "lou/server.py": b""}
    found = collect(exports.write(tmp_path / "in", files), roster=_load(tmp_path, text))
    assert [[one.key for one in hand_in.students] for hand_in in found.hand_ins] == [["jdoe", "al"], ["an"], ["lou"]]
    assert [len(hand_in.parts) for hand_in in found.hand_ins] == [1, 0, 1]


def test_usernames_with_hyphens_in_repositories(tmp_path: Path) -> None:
    files = {f"uppercase-jo-{letter}/{name}": b"" for letter in "ab" for name in ("server.py", ".git/HEAD")}
    text = "identifier,github_username,name\n1,jo-a,Jo A\n2,jo-b,Jo B\n3,b,Bea\n"
    found = collect(exports.write(tmp_path / "in", files), roster=_load(tmp_path, text))
    assert [len(hand_in.parts) for hand_in in found.hand_ins] == [1, 1, 0]


def test_a_second_hand_in_of_somebody_is_listed(tmp_path: Path) -> None:
    files = {"jdoe/server.py": b"", "Jane Doe/server.py": b""}
    found = collect(exports.write(tmp_path / "in", files), roster=_load(tmp_path, "name,username\nJane Doe,jdoe\n"))
    assert [*_keys(found)] == ["jdoe", "Jane-Doe"]
    assert found.unassigned == (
        "'Jane Doe' was not assigned to anybody in the roster: 'jdoe' belongs to the same student",
    )


def test_an_id_and_a_name_of_two_people_are_nobodys() -> None:
    people = People([Student("a", "Jane Doe", {"id": "7"}), Student("b", "Al Roe", {"id": "8"})])
    assert [one.key for one in people.find(Student("", "Al Roe", {"sid": "7"}))] == ["a", "b"]
    assert [one.key for one in people.find(Student("", "Jane Doe", {"sid": "7"}))] == ["a"]


@pytest.mark.parametrize("other", ["Doe, Mary Ann", "MARY ANN DOÉ", "doemaryann", "maryanndoe", "Doe Mary Ann"])
def test_ways_to_write_a_name(other: str) -> None:
    assert name_forms("Mary Ann Doe") & name_forms(other)


@given(st.text(max_size=200))
def test_any_text_is_a_roster_or_one_sentence(text: str) -> None:
    table = Table(text.encode("utf-8", "replace"), lambda cells: len(roster.kinds(cells)))
    assert table.columns is not None
