"""Folders as wholes."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.folders import files_below, make_whole

FILES = {"a.py": b"1\n", "b/c.txt": b"2\n", "run.sh": b"#!/bin/sh\n"}


def test_what_is_made_is_what_is_read(tmp_path: Path) -> None:
    make_whole(tmp_path / "new" / "folder", FILES, ["run.sh"])
    assert files_below(tmp_path / "new" / "folder") == FILES
    assert [(tmp_path / "new" / "folder" / name).stat().st_mode & 0o777 for name in ("a.py", "run.sh")] == [
        0o644,
        0o755,
    ]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["folder"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    make_whole(tmp_path / "folder", FILES)
    assert files_below(tmp_path / "folder") == FILES


def test_what_python_leaves_is_not_read(tmp_path: Path) -> None:
    make_whole(tmp_path / "folder", {**FILES, "b/__pycache__/c.pyc": b"3"})
    assert files_below(tmp_path / "folder") == FILES


@pytest.mark.parametrize("there", ["folder/full", "folder"])
def test_all_of_it_or_nothing(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("kept")
    with pytest.raises(UsageError, match="can't write"):
        make_whole(tmp_path / "folder", FILES)
    assert (tmp_path / there).read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_path_that_is_both_file_and_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't write"):
        make_whole(tmp_path / "folder", {"a": b"", "a/b": b""})
    assert [*tmp_path.iterdir()] == []
