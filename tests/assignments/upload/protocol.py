"""A file goes to the server, a line comes back."""

import random

from grader import Turn, Visit, frame, random_letters


def visit(number: int, rng: random.Random) -> Visit:
    """A file with any bytes in it."""
    return _upload(rng.randbytes(100 + 3000 * number), b"stored as " + random_letters(rng, 30))


def visit_sized(size_bytes: int, rng: random.Random) -> Visit:
    """The server says much."""
    return _upload(b"short", random_letters(rng, size_bytes - 1))


def _upload(content: bytes, line: bytes) -> Visit:
    def judge(payload: bytes) -> str | None:
        return None if payload == content else f"these {len(payload)} bytes are not the file's {len(content)}"

    return Visit(
        turns=(Turn(hears=frame("!I", judge=judge), says=line + b"\n"),),
        fill={"file": "upload.bin"},
        files={"upload.bin": content},
        shown=line,
    )
