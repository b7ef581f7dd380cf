"""What a request for a file is, and the reply that it must get.  The least is demanded: the status and the body."""

from __future__ import annotations

import random
from pathlib import Path

from grader import Exchange, http, not_utf8, random_words

_WWW = Path(__file__).parent / "files" / "www"
#: Short texts of different lengths.
_NOTES = 12


def _get(name: str, *headers: str) -> Exchange:
    lines = (f"GET /{name} HTTP/1.1", "Host: localhost", *headers, "", "")
    return Exchange("\r\n".join(lines).encode(), http(200, body=(_WWW / name).read_bytes()))


def exchange(number: int, rng: random.Random) -> Exchange:
    """One of the notes."""
    words = random_words(rng, (2, 4, 1)[number % 3])
    return _get(f"notes/{number % _NOTES + 1}.txt", f"User-Agent: {words} {number}")


def closing(rng: random.Random) -> Exchange:
    """The client says that this is its last request."""
    return _get(f"notes/{rng.randint(1, _NOTES)}.txt", "Connection: close")


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """A path and a header that are not UTF-8."""
    return (
        b"GET /" + not_utf8(rng).replace(b" ", b"_") + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /notes/1.txt HTTP/1.1\r\nHost: localhost\r\nX-Name: " + not_utf8(rng) + b"\r\n\r\n",
    )
