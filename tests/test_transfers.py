"""The handouts of the assignments that send files over UDP: their example sessions, their frames, their checksums."""

from __future__ import annotations

import random
import re
import runpy
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.assignment import folder_of

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("reliable_transfer", "sliding_window")
FRAMES: dict[str, Any] = runpy.run_path(str(folder_of("reliable_transfer") / "frames.py"))
LARGE = FRAMES["File"].large_sums(random.Random(1))  # noqa: S311 — not secret


def handout(name: str) -> str:
    return (folder_of(name) / "handout.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_example_session_is_what_happens(name: str, tmp_path: Path) -> None:
    session = re.findall(r"^```\n(\$ .*?)^```", handout(name), re.MULTILINE | re.DOTALL)[0]
    size = int(re.findall(r"`notes.txt` has (\d+) bytes", handout(name))[0])
    (tmp_path / "notes.txt").write_bytes(b"abcdefghij" * (size // 10))
    programs = ROOT / "reference" / name / "good" / "pair_python"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen([sys.executable, programs / "server.py", port, "received"], cwd=tmp_path)
    try:
        for command, printed in re.findall(r"^\$ (.+)\n((?:(?!\$).*\n)*)", session, re.MULTILINE):
            words = [word.replace("9000", port) for word in shlex.split(command)]
            if words[0] == "python3":
                words[:2] = [sys.executable, str(programs / words[1])]
            # The sender sends again until the receiver has started.
            run = subprocess.run(words, cwd=tmp_path, check=False, capture_output=True, text=True)
            assert (run.returncode, run.stdout) == (0, printed), run.stderr
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_checksums_are_right(name: str) -> None:
    cells = r" \| ".join(["([0-9a-f ]+)"] * 4)
    rows = re.findall(rf"^\| .+? \| {cells} \|$", handout(name), re.MULTILINE)
    assert len(rows) == 2
    for words, total, folded, checksum in rows:
        each = [int(word, 16) for word in words.split()]
        assert sum(each) == int(total, 16)
        assert (int(total, 16) & 0xFFFF) + (int(total, 16) >> 16) == int(folded, 16)
        assert FRAMES["checksum"](bytes.fromhex(words)) == int(checksum, 16)
    ack, data = (bytes.fromhex(found) for found in re.findall(r"`((?:[0-9a-f]{2}\s)+[0-9a-f]{2})`", handout(name)))
    frame = FRAMES["Frame"]
    assert ack == FRAMES["encoded"](frame(0x12345678, 1, FRAMES["ACK"]))
    assert data == FRAMES["encoded"](frame(0x12345678, 1, FRAMES["DATA"], b"abc"))


@pytest.mark.parametrize("bit", range(15 * 8))
def test_every_changed_bit_is_noticed(bit: int) -> None:
    data = FRAMES["encoded"](FRAMES["Frame"](0x12345678, 1, FRAMES["DATA"], b"abc"))
    assert not isinstance(FRAMES["decoded"](data), str)
    assert isinstance(FRAMES["decoded"](FRAMES["damaged"](data, bit)), str)


@pytest.mark.parametrize("transfer", range(0, 0x1_FFFF, 7919))
def test_whatever_the_transfer_one_frame_has_a_sum_that_is_folded_twice(transfer: int) -> None:
    def folded_once(frame: Any) -> int:
        header = FRAMES["HEADER"].pack(min(transfer, 0xFFFF) << 16 | max(0, transfer - 0xFFFF), *frame[1:3], 0)
        total = sum(int.from_bytes(two) for two in zip(*[iter(header + frame.payload)] * 2, strict=True))
        return (total & 0xFFFF) + (total >> 16)

    assert max(map(folded_once, LARGE.frames[1:])) > 0xFFFF


def test_no_frame_of_a_usual_file_must_be_folded_twice() -> None:
    """So a program that folds once fails where that is tried, whatever the seed is."""
    file, folds_twice = FRAMES["File"], FRAMES["folds_twice"]
    drawn = [file.drawn(3500, random.Random(seed)) for seed in range(1000)]  # noqa: S311 — an order
    assert not any(folds_twice(frame) for each in drawn for frame in each.frames)
    large = file.large_sums(random.Random(1))  # noqa: S311 — an order
    assert any(folds_twice(frame) for frame in large.frames)


def test_of_a_file_that_is_exchanged_on_its_way_the_other_one_arrives() -> None:
    rng = random.Random(1)  # noqa: S311 — not secret
    sent, other = (FRAMES["File"].drawn(2500, rng) for _ in range(2))
    rewritten, encoded = FRAMES["exchanged"](sent, other), FRAMES["encoded"]
    arriving = [FRAMES["decoded"](rewritten(encoded(frame))) for frame in sent.sent_as(7).frames]
    expected = [*other.sent_as(7).frames]
    expected[0] = sent.sent_as(7).frames[0]  # by its name
    assert arriving == expected
    damaged = FRAMES["damaged"](encoded(sent.frames[1]), 99)
    assert rewritten(damaged) == damaged
    assert rewritten(encoded(other.frames[1])) == encoded(other.frames[1])
    assert rewritten(b"no frame") == b"no frame"
