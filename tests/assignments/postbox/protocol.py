"""Lines with CRLF, on two ports; the users are those of files/users.txt."""

import random
from pathlib import Path

from grader import Exchange, random_words

USERS = (Path(__file__).parent / "files" / "users.txt").read_text().split()


def greeting(_: random.Random) -> bytes:
    """At the SMTP port."""
    return b"220 example.test\r\n"


def exchange(number: int, rng: random.Random) -> Exchange:
    """A NOOP."""
    words = f"{number} {random_words(rng)}".encode()
    return Exchange(b"NOOP " + words + b"\r\n", b"250 " + words + b"\r\n")
