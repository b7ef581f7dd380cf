"""What a client of @NAME@ does from its start to its exit; each function has a source of randomness of its own."""

from __future__ import annotations

import random

from grader import Turn, Visit, frame, random_letters


def _sent(content: bytes, line: bytes) -> Visit:
    """A file with this content, which must be sent, and the line that the server replies and the client prints."""

    def judge(payload: bytes) -> str | None:
        return None if payload == content else f"these {len(payload)} bytes are not the {len(content)} of the file"

    hears = frame("!I", judge=judge, examples=[content], wrong=[content + b"\n"], words="the file's length and its bytes")
    return Visit(
        turns=(Turn(hears, says=line + b"\n"),),
        fill={"file": "input.bin"},
        files={"input.bin": content},
        shown=line,
    )


def visit(number: int, rng: random.Random) -> Visit:
    """A file of any bytes, empty at first, longer for each number."""
    return _sent(rng.randbytes(3000 * number), b"stored as " + random_letters(rng, 30))


def visit_sized(size_bytes: int, rng: random.Random) -> Visit:
    """A reply of so many bytes, its LF included."""
    return _sent(b"short", random_letters(rng, size_bytes - 1))
