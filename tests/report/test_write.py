"""Writing a report: whole or not at all, and one sentence when it can't be."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.report import FORMATS, must_be_writable, render, write
from tests.report.examples import FULL


def test_every_renderer_gives_bytes_that_can_be_written(tmp_path: Path) -> None:
    for kind in FORMATS:
        write(tmp_path / kind, render(kind, FULL))
    assert {path.name for path in tmp_path.iterdir()} == {*FORMATS}
    assert all(path.stat().st_size > 1000 for path in tmp_path.iterdir())


def test_an_old_report_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old and longer")
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_report_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write(path, b"new")
        assert reader.read() == b"old"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "report")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "report").read_bytes() == b"new"


def test_a_new_report_can_be_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write(tmp_path / "report", b"new")
    assert (tmp_path / "report").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_device_is_written_to_and_stays_one() -> None:
    write(Path("/dev/null"), b"new")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(UsageError, match="No space left"):
        write(Path("/dev/full"), b"new")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "it is a folder"),
        ("missing/report.json", "there is no folder"),
        ("file/report.json", "there is no folder"),
        ("x" * 300, "File name too long"),
        ("nul\0", "null"),
        ("circle", "ymlink loop|symbolic links"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=words) as caught:
        write(tmp_path / name, b"new")
    with pytest.raises(UsageError, match=words) as forewarned:
        must_be_writable(tmp_path / name)
    assert str(forewarned.value) == str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_asking_whether_it_can_be_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    must_be_writable(path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    must_be_writable(path)
    assert path.read_bytes() == b"old"
    must_be_writable(Path("/dev/null"))


def test_what_the_kernel_protects_is_not_writable() -> None:
    with pytest.raises(UsageError, match="can't write the report /proc/version: "):
        write(Path("/proc/version"), b"new")


def test_a_disk_that_fills_up_leaves_the_old_report_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel then takes 1000 bytes and refuses the rest
    try:
        with pytest.raises(UsageError, match="File too large"):
            write(path, b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
