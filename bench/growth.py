"""How the time of a grading grows with its checks, and the time of two checks with the length of the messages."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.timed import Seconds, grade
from grader import assignment as assignments
from grader.assignment import Assignment

EVERY_BYTE = "server.fragments_every_byte"
EVERY_SPLIT = "server.fragments_every_split"
#: How many messages of the length each of the two checks plays.  The `awkward` one below has two places to split it,
#: which don't count.
MESSAGES = {EVERY_BYTE: 3, EVERY_SPLIT: 2}
_PADDED = """

_short = exchange


def exchange(number: int, rng: random.Random) -> Exchange:
    return _answered(_short(number, rng).request[: {length_bytes} - 1].rstrip().ljust({length_bytes} - 1, b"."))


def awkward(_: random.Random) -> tuple[Exchange, ...]:
    return (_answered(b"\\0\\xff"),)
"""


@dataclass(frozen=True)
class Message:
    """The time of one message of a length: byte by byte, and split at every place."""

    length_bytes: int
    every_byte_s: Seconds
    every_split_s: Seconds


def first_checks(assignment: Assignment, count: int | None) -> tuple[str, ...]:
    """The first checks of the assignment's server; none needs one that comes later, so exactly these are played."""
    return tuple(spec.id for spec in assignment.checks if spec.part == "server")[:count]


def messages(program: Path, source: Path, lengths_bytes: Sequence[int], rounds: int) -> Iterator[Message]:
    """The two checks' medians for one message of each length; `source`: the assignment's folder."""
    for length_bytes in lengths_bytes:
        with _padded(source, length_bytes) as asked:
            gradings = [
                {timed.check.id: timed.check.duration_s for timed in grade(program, asked, frozenset(MESSAGES)).checks}
                for _ in range(rounds)
            ]
        byte_s, split_s = (
            statistics.median(grading[check] for grading in gradings) / count for check, count in MESSAGES.items()
        )
        yield Message(length_bytes, byte_s, split_s)


def padded(source: Path, length_bytes: int, folder: Path) -> Path:
    """A folder of assignments with this one, whose `exchange` gives messages of one length, their line end included.

    `length_bytes`: 0 if they are to be as they are.
    """
    copy = shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    if length_bytes:
        with (copy / "protocol.py").open("a", encoding="utf-8") as file:
            file.write(_PADDED.format(length_bytes=length_bytes))
    return folder


@contextmanager
def _padded(source: Path, length_bytes: int) -> Iterator[Assignment]:
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        yield assignments.load(source.name, padded(source, length_bytes, Path(name)))
