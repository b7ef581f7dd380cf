"""Why a command could not be executed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from grader.sandbox.launching import execute


def _file(path: Path, mode: int) -> str:
    path.parent.mkdir()
    path.write_bytes(b"\0 no program")
    path.chmod(mode)
    return str(path.parent)


def test_a_folder_that_comes_first_does_not_hide_why_the_command_could_not_be_executed(tmp_path: Path) -> None:
    folders = [_file(tmp_path / "first" / "tool", 0o644), _file(tmp_path / "second" / "tool", 0o755)]
    with pytest.raises(OSError, match="Exec format error") as raised:
        execute(["tool"], {"PATH": ":".join([*folders, str(tmp_path / "third")])})
    assert raised.value.errno == errno.ENOEXEC


def test_a_command_that_is_nowhere_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        execute(["no-such-tool"], {"PATH": f"{tmp_path}/one:{tmp_path}/two"})
