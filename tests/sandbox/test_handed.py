"""Single files that checks read and write: never through a link, never for ever, only as the program's user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.link.channel import Channel
from grader.wire.warden import NoFileError, WardenClient
from tests.wire.stand import warden_process


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The work folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def warden(work: Path) -> Iterator[WardenClient]:
    """A warden for it."""
    with warden_process(work) as (_, sock):
        yield WardenClient(Channel(sock))


@pytest.mark.parametrize("content", [b"", b"\x00\xff text\n", bytes(300_000)], ids=["empty", "short", "long"])
def test_what_is_written_is_read(warden: WardenClient, work: Path, content: bytes) -> None:
    warden.write_file("a/b/c.txt", b"longer than what comes next" * 20_000)
    warden.write_file("a/b/c.txt", content)
    assert (work / "a" / "b" / "c.txt").read_bytes() == content
    assert warden.read_file("a/b/c.txt", 300_000) == content


def test_a_file_that_is_too_large_is_not_read(warden: WardenClient, work: Path) -> None:
    (work / "log").write_bytes(b"12345")
    assert warden.read_file("log", 5) == b"12345"
    with pytest.raises(NoFileError, match="has more than 4 bytes"):
        warden.read_file("log", 4)


def test_no_link_is_followed(warden: WardenClient, work: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"ours")
    (work / "way").symlink_to(secret)
    (work / "key").symlink_to(secret / "key")
    for path in ("way/key", "key"):
        with pytest.raises(NoFileError, match="can't be used"):
            warden.read_file(path, 100)
        with pytest.raises(NoFileError, match="can't be used"):
            warden.write_file(path, b"theirs")
    assert (secret / "key").read_bytes() == b"ours"


def test_what_is_no_file_is_not_waited_for(warden: WardenClient, work: Path) -> None:
    os.mkfifo(work / "pipe")
    (work / "folder").mkdir()
    for path, words in (("pipe", "is not a regular file"), ("folder", "is not a regular file"), ("none", "No such")):
        with pytest.raises(NoFileError, match=words):
            warden.read_file(path, 100)
    with pytest.raises(NoFileError, match="can't be used"):
        warden.write_file("pipe", b"x")
    with pytest.raises(NoFileError, match="can't be used"):
        warden.write_file("folder", b"x")
