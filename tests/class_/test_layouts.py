"""Every platform's layout is found by itself, in a folder and in a zip archive, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.class_ import keys
from grader.class_.collect import Collected, collect
from grader.class_.layouts import LAYOUTS, NAMES
from grader.class_.layouts.export import Entry, Export
from grader.class_.layouts.gradescope import submitters
from grader.class_.model import HandIn
from grader.errors import UsageError
from grader.submission import Part, shown, take_parts
from tests.class_ import exports
from tests.class_.exports import SERVER, Files

Place = Callable[[Path, Files], Path]


def _folder(tmp_path: Path, files: Files) -> Path:
    return exports.write(tmp_path / "export", files)


def _archive(tmp_path: Path, files: Files) -> Path:
    return exports.zipped(tmp_path / "export.zip", files)


both = pytest.mark.parametrize("place", [_folder, _archive])


def _by_key(found: Collected) -> dict[str, HandIn]:
    return {hand_in.student.key: hand_in for hand_in in found.hand_ins}


def _files(found: Collected) -> dict[str, list[str]]:
    """The names of each student's parts in the submission, or what the whole of it is called in the export."""
    return {
        hand_in.student.key: sorted(
            part.name or (part.inside or part.path.name).rpartition("/")[2] for part in hand_in.parts
        )
        for hand_in in found.hand_ins
    }


@both
def test_canvas(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.CANVAS))
    assert found.layout == "canvas"
    assert _files(found) == {
        "anon-aB3xZ": ["server.py"],
        "doejane": ["client.py", "server.py"],
        "nguyenan": ["server.py"],
        "obrienpat": ["part-1.py", "part-2.py"],
        "smithbob": ["hw1.tar.gz"],
    }
    students = _by_key(found)
    assert students["nguyenan"].notes == ("Canvas says that it was handed in late",)
    assert students["doejane"].student.ids == {"canvas_id": "12345"}
    assert found.unassigned == ("'typist_12349_text.html' was left out: it was typed into a box, not uploaded",)
    taken = take_parts("doejane", students["doejane"].parts)
    assert taken.files == ("client.py", "server.py")
    assert bytes(taken.contents()["server.py"]) == SERVER


def test_canvas_two_downloads_in_one_folder(tmp_path: Path) -> None:
    files = {"doejane_1_22_server.py": b"old", "doejane_1_31_server-1.py": b"new", "roe_2_5_server.py": b""}
    jane = _by_key(collect(_folder(tmp_path, files)))["doejane"]
    assert [part.path.name for part in jane.parts] == ["doejane_1_31_server-1.py"]
    assert jane.notes == ("'doejane_1_31_server-1.py' counts, handed in after 'doejane_1_22_server.py'",)


@both
def test_moodle(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.MOODLE))
    assert found.layout == "moodle"
    students = _by_key(found)
    assert list(students) == ["An-Nguyen", "Jane-Doe"]
    jane = students["Jane-Doe"]
    assert (jane.student.name, jane.student.ids) == ("Jane Doe", {"moodle_id": "4455"})
    assert take_parts("jane", jane.parts).files == ("lib/util.py", "server.py")
    assert jane.notes == (
        "'Jane Doe_4455_assignsubmission_onlinetext_' was left out: it was typed into a box, not uploaded",
    )
    assert len(found.unassigned) == 1
    assert "Eva Typist" in found.unassigned[0]


@both
def test_moodle_flat_and_of_one_group(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.MOODLE_FLAT))
    assert found.layout == "moodle"
    assert _files(found) == {"An-Nguyen": ["server.py"], "Jane-Doe": ["client.py", "server.py"]}
    assert {hand_in.student.group for hand_in in found.hand_ins} == {"Group A"}


@both
def test_gradescope_with_a_group(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.GRADESCOPE))
    assert found.layout == "gradescope"
    students = _by_key(found)
    assert set(students) == {"jdoe", "pat", "submission_123458"}
    assert [student.name for student in students["jdoe"].students] == ["Jane Doe", "An Nguyễn"]
    assert students["jdoe"].student.ids == {"sid": "0012345"}
    assert students["pat"].student.name == "Pat O'Brien"
    assert students["submission_123458"].notes == ("submission_metadata.yml does not say whose it is",)
    assert not found.unassigned


def test_gradescope_metadata_belong_to_nobody_whom_a_program_prints() -> None:
    text = exports.GRADESCOPE["assignment_99_export/submission_metadata.yml"].decode()
    assert "mallory" not in str(submitters(text))


@both
def test_blackboard_last_attempt_counts(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.BLACKBOARD))
    assert found.layout == "blackboard"
    assert _files(found) == {"anguyen": ["hw.zip"], "j_doe": ["server.py"]}
    jane = _by_key(found)["j_doe"]
    assert jane.student.name == "Jane Doe"
    assert jane.notes == ("the attempt of 2026-11-30 10:00 counts, not the attempt of 2026-11-29 23:59",)
    assert bytes(take_parts("jane", jane.parts).contents()["server.py"]) == SERVER
    assert len(found.unassigned) == 1
    assert "typist" in found.unassigned[0]


@both
def test_brightspace_last_submission_counts(tmp_path: Path, place: Place) -> None:
    found = collect(place(tmp_path, exports.BRIGHTSPACE))
    assert found.layout == "brightspace"
    students = _by_key(found)
    assert set(students) == {"Jane-Doe", "An-Nguyen", "Pat-O-Brien"}
    assert bytes(take_parts("jane", students["Jane-Doe"].parts).contents()["server.py"]) == SERVER
    assert "counts, not" in students["Jane-Doe"].notes[0]
    assert _files(found)["Pat-O-Brien"] == ["client.py", "server.py"]
    assert not found.unassigned


@both
@pytest.mark.parametrize("files", [exports.GITHUB, exports.CLASSROOM50])
def test_checkouts(tmp_path: Path, place: Place, files: Files) -> None:
    found = collect(place(tmp_path, files))
    assert found.layout == "github"
    assert set(_by_key(found)) == {"jdoe", "an-nguyen"}
    assert take_parts("jdoe", _by_key(found)["jdoe"].parts).files == ("server.py",)


def test_checkouts_without_their_history_if_somebody_says_so(tmp_path: Path) -> None:
    files = {"hw-jdoe/server.py": b"", "hw-roe/server.py": b""}
    export = _folder(tmp_path, files)
    assert set(_by_key(collect(export, "github"))) == {"jdoe", "roe"}
    assert set(_by_key(collect(export))) == {"hw-jdoe", "hw-roe"}


@both
@pytest.mark.parametrize("outer", ["", "submissions/", "a/b/"])
def test_a_folder_or_an_archive_for_each(tmp_path: Path, place: Place, outer: str) -> None:
    found = collect(place(tmp_path, {f"{outer}{name}": data for name, data in exports.FOLDERS.items()}))
    assert found.layout == "folders"
    assert set(_by_key(found)) == {"jdoe", "anguyen", "pat", "eva"}
    assert found.unassigned == ("'README.txt' was left out: it is neither a folder, nor an archive, nor a source file",)


def test_a_folder_counts_not_the_archive_beside_it(tmp_path: Path) -> None:
    jane, roe = collect(_folder(tmp_path, {"jane/a.py": b"", "jane.zip": b"PK", "roe/a.py": b""})).hand_ins
    assert [part.path.name for part in jane.parts] == ["jane"]
    assert jane.notes == ("the folder 'jane' counts, not the file 'jane.zip'",)
    assert not roe.notes


def test_a_class_of_one_keeps_its_folder(tmp_path: Path) -> None:
    found = collect(_folder(tmp_path, {"jane/server.py": b"", "jane/client.py": b""}))
    assert set(_by_key(found)) == {"jane"}


def test_a_list_of_paths(tmp_path: Path) -> None:
    exports.write(tmp_path, {"in/jdoe/hw3/server.py": b"", "in/roe/hw3/server.py": b""})
    (tmp_path / "list.txt").write_text(f"# handed in\nin/jdoe/hw3\n\n{tmp_path}/in/roe/hw3\n")
    found = collect(tmp_path / "list.txt")
    assert found.layout == "list"
    assert set(_by_key(found)) == {"jdoe", "roe"}
    (tmp_path / "list.txt").write_text("in/nobody\n")
    with pytest.raises(UsageError, match="which does not exist"):
        collect(tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("files", "layout", "words"),
    [
        ({"notes.txt": b""}, "auto", "contains no submissions: a folder, an archive or a source file for each student"),
        ({"jane/server.py": b""}, "canvas", "contains nothing in the layout canvas: doejane_12345_67890_server.py"),
        ({"server.py": b"", "client.py": b""}, "auto", "looks like one submission"),
        ({"Eva_4457_assignsubmission_onlinetext_/a.html": b""}, "auto", "contains no submissions"),
    ],
)
def test_what_was_looked_for_is_said(tmp_path: Path, files: Files, layout: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        collect(_folder(tmp_path, files), layout)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        collect(tmp_path / "absent")
    (tmp_path / "x.pdf").write_bytes(b"%PDF\xff\0")
    with pytest.raises(UsageError, match=r"is neither a folder, nor a \.zip archive, nor a list of paths"):
        collect(tmp_path / "x.pdf")


def test_a_link_that_leads_out_is_listed_not_followed(tmp_path: Path) -> None:
    export = _folder(tmp_path, {"jane/server.py": b"", "roe/server.py": b""})
    (export / "evil").symlink_to("/etc")
    found = collect(export)
    assert set(_by_key(found)) == {"jane", "roe"}
    assert found.unassigned == ("'evil' is a link that leads out of the export, and was left out",)


def test_names_of_layouts() -> None:
    assert ("auto", *LAYOUTS, "list") == NAMES


NAME = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(NAME, max_size=12))
def test_keys_are_unique_and_safe(words: list[str]) -> None:
    made = keys.keys(words)
    assert len({key.lower() for key in made}) == len(words)
    for key in made:
        assert key.isascii()
        assert all(char.isalnum() or char in "-_." for char in key)
        assert key[0] not in "-_."
        assert "/" not in key
        assert not key.endswith((".json", ".html", ".csv"))


#: Names like those of the platforms, and any others.
LIKE_THEIRS = st.one_of(
    NAME,
    st.sampled_from(
        [name.split("/")[0] for files in vars(exports).values() if isinstance(files, dict) for name in files]
    ),
    st.from_regex(r"[a-c]_(LATE_)?[12]_[34]_[xy](-[12])?\.py", fullmatch=True),
    st.from_regex(r"[AB] [a-c]_[12]_assignsubmission_(file|onlinetext)_[xy]?", fullmatch=True),
    st.from_regex(r"H_[ab]_attempt_2026-11-30-10-00-0[12](_x|\.txt)", fullmatch=True),
    st.from_regex(r"[12]-[34] - [AB] - Nov [12], 2026 1000 AM( - [xy])?", fullmatch=True),
)


class Named:
    """An export of these files."""

    name = "export"
    refused = ()

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def entries(self, folder: str = "") -> list[Entry]:  # noqa: ARG002
        return [Entry(name, folder=False) for name in self._names]

    def text(self, name: str) -> str:  # noqa: ARG002
        return ""

    def part(self, entry: str, name: str = "") -> Part:
        return Part(Path(entry), name)

    def inner(self, folder: str) -> Export:  # noqa: ARG002
        return self


@given(st.lists(LIKE_THEIRS, min_size=1, max_size=8, unique=True))
def test_no_name_is_lost_whatever_it_is(names: list[str]) -> None:
    for layout in LAYOUTS.values():
        found = layout.find(Named(names))
        told = " ".join([*found.strays, *(note for attempt in found.attempts for note in attempt.notes)])
        files = [entry for attempt in found.attempts for entry, _ in attempt.files]
        assert len(files) == len({*files})
        left = {name for name in names if name not in files and shown(name) not in told}
        assert left <= {"index.html", "submission_metadata.yml", ".git"} | {
            name for name in names if name.endswith(".txt")
        }
