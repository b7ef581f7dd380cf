"""HTTP/1.1: tickets by GET, and whatever is sent by POST comes back."""

from __future__ import annotations

import random
import struct

from tickets import name_of, pairs

from grader import Exchange, Reply, every_byte, form, http, not_utf8, random_characters, random_letters

_TICKET = b"{number:[1-9][0-9]*} {time:[0-9]{2}:[0-9]{2}:[0-9]{2}} %b"


def _get(name: bytes, *headers: bytes, ending: bytes = b"\r\n") -> Exchange:
    lines = (b"GET /ticket/%b HTTP/1.1" % name, b"Host: localhost", *headers, b"", b"")
    return Exchange(ending.join(lines), http(200, body=form(_TICKET % name)))


def _post(body: bytes, path: bytes = b"/echo", reply: bytes | Reply | None = None) -> Exchange:
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
    return Exchange(head + body, http(200, body=body if reply is None else reply))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A ticket."""
    return _get(name_of(number, rng))


def closing(rng: random.Random) -> Exchange:
    """The client says that this is its last request."""
    return _get(name_of(0, rng), b"Connection: close")


def line_endings(rng: random.Random) -> tuple[Exchange, ...]:
    """A server may take a line feed for the end of a line (RFC 9112, section 2.2); this one must."""
    name = name_of(0, rng)
    return (_get(name), _get(name, ending=b"\n"))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A long body, which comes back."""
    head_bytes = len(_post(b"").request) + len(str(size_bytes)) - 1
    return _post(random_letters(rng, size_bytes - head_bytes))


def large(size_bytes: int, _: random.Random) -> Exchange:
    """A long reply."""
    request = b"GET /fill/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size_bytes
    return Exchange(request, http(200, body=b"x" * size_bytes))


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bodies that are not text."""
    return (_post(every_byte(rng)), _post(b"a\0b\r\n\r\n"), _post(not_utf8(rng)), _post(b""))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes."""
    return _post(rng.randbytes(150))


def text(rng: random.Random) -> tuple[Exchange, ...]:
    """Bodies in UTF-8."""
    return tuple(_post(f"{random_characters(rng)}-{number}".encode()) for number in range(3))


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """A path and a body that are not UTF-8."""
    path = not_utf8(rng).replace(b" ", b"_")
    return (b"GET /ticket/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path, _post(not_utf8(rng)).request)


def numbers(rng: random.Random) -> tuple[Exchange, ...]:
    """Tickets for sums of two numbers of four bytes."""
    return tuple(_post(struct.pack("!ii", *pair), b"/add", form(_TICKET % b"%d" % sum(pair))) for pair in pairs(rng))


def hostile_lengths(rng: random.Random) -> tuple[bytes, ...]:
    """More than there is memory."""
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
    return tuple(head % (size, random_letters(rng, 20)) for size in (1 << 31, 1 << 62))
