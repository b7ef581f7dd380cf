"""Submissions of several parts: files and folders on disk, and members of a class's archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.submission import Part, take, take_parts
from grader.submission.exports import Members


def _zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _bytes_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_parts_are_one_submission_under_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "doe_1_22_server.py").write_bytes(b"server")
    (tmp_path / "doe_1_23_more.zip").write_bytes(_bytes_of({"client.py": b"client"}))
    taken = take_parts(
        "doe", [Part(tmp_path / "doe_1_22_server.py", "server.py"), Part(tmp_path / "doe_1_23_more.zip", "more.zip")]
    )
    assert taken.name == "doe"
    assert taken.files == ("more/client.py", "server.py")


def test_members_of_an_export_are_the_same_submission_as_their_folder(tmp_path: Path) -> None:
    files = {"jane/hw/server.py": b"print()", "jane/hw/lib/a.py": b"a", "ben/server.py": b"no"}
    export = _zipped(tmp_path / "export.zip", files)
    for name, data in files.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    zipped = take_parts("jane", [Part(export, inside="jane")])
    assert zipped.sha256 == take(tmp_path / "out" / "jane").sha256
    assert zipped.files == ("lib/a.py", "server.py")
    assert take_parts("jane", [Part(tmp_path / "out" / "jane")]).sha256 == zipped.sha256


def test_an_archive_alone_is_the_same_submission_as_taken_by_itself(tmp_path: Path) -> None:
    packed = _bytes_of({"hw/server.py": b"print()"})
    (tmp_path / "hw.zip").write_bytes(packed)
    export = _zipped(tmp_path / "export.zip", {"jane.zip": packed, "ben.zip": b"x"})
    alone = take(tmp_path / "hw.zip").sha256
    assert take_parts("jane", [Part(tmp_path / "hw.zip")]).sha256 == alone
    assert take_parts("jane", [Part(export, inside="jane.zip")]).sha256 == alone


def test_one_students_hostile_name_costs_nobody_else(tmp_path: Path) -> None:
    export = _zipped(tmp_path / "export.zip", {"../../evil.py": b"", "C:/x.py": b"", "jane/server.py": b"print()"})
    members = Members(export)
    assert list(members.names) == ["jane/server.py"]
    assert len(members.refused) == 2
    assert "leads out of the archive" in members.refused[0]
    assert take_parts("jane", [Part(export, inside="jane")]).files == ("server.py",)


def test_what_is_not_there_or_no_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UsageError, match="is a broken zip archive"):
        Members(tmp_path / "broken.zip")
    with pytest.raises(UsageError, match="can't be read: No such file"):
        take_parts("jane", [Part(tmp_path / "absent.py")])
    with pytest.raises(UsageError, match="has no files to grade"):
        take_parts("jane", [])
