"""Whose linker has made a file, by what stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.sandbox.executables import calls_fork, made_by_go

MARK = b"\xff Go buildinf:"


@pytest.mark.parametrize("at", [0, 5000, (1 << 20) - 7, (3 << 20) + 1])
def test_gos_mark_is_found_wherever_it_stands(at: int, tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_bytes(bytes(at) + MARK + bytes(100))
    assert made_by_go(str(program))


@pytest.mark.parametrize("content", [b"", MARK[:-1], b"\x7fELF" + bytes(1 << 20)])
def test_another_file_has_no_such_mark(content: bytes, tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_bytes(content)
    assert not made_by_go(str(program))


def test_what_can_not_be_read_is_not_gos(tmp_path: Path) -> None:
    assert not made_by_go(str(tmp_path / "gone"))
    assert not made_by_go(str(tmp_path))


def test_another_file_in_the_same_place_is_looked_at_anew(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_bytes(b"other")
    assert not made_by_go(str(program))
    program.write_bytes(MARK)
    assert made_by_go(str(program))


@pytest.mark.parametrize(("names", "calls"), [(b"\0accept\0fork\0", True), (b"\0vfork\0forkpty\0", False)])
def test_the_name_of_fork_is_found_among_names(tmp_path: Path, names: bytes, calls: bool) -> None:
    (program := tmp_path / "program").write_bytes(b"\x7fELF" + names)
    assert calls_fork(str(program)) is calls
