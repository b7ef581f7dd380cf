"""What a request of @NAME@ is, and its correct reply: each function is asked with a source of randomness of its own."""

from __future__ import annotations

import random

from grader import Exchange, http, random_letters


def _asked(word: bytes, *headers: str) -> Exchange:
    """A request for a word, and what must come back: the status and the body; other headers are the server's matter."""
    head = "".join(f"{header}\r\n" for header in ("Host: localhost", *headers))
    request = b"GET /reverse/%b HTTP/1.1\r\n%b\r\n" % (word, head.encode())
    return Exchange(request, http(200, body=word[::-1]))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A short word, different for every number, and right whatever came before it."""
    return _asked(b"%d%b" % (number, random_letters(rng, 4 + number % 5)))


def closing(rng: random.Random) -> Exchange:
    """The last request on a connection: the server closes it after the reply."""
    return _asked(random_letters(rng, 6), "Connection: close")
