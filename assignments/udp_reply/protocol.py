"""What a datagram of udp_reply is, and its right answer."""

from __future__ import annotations

from grader import Entry, Exchange

#: The longest that can be answered: a reply is 5 bytes longer, and IPv4 carries 65 507 (65 535 less 20 of IP and 8 of
#: UDP headers; udp(7)).
LARGEST_BYTES = 65_502

_WORDS = ("hello", "1st udp client", "Datagrams are messages", "two\nlines", "OK...", "a", "Zürich, naïve, ∞")
_LINES = tuple(word for word in _WORDS if "\n" not in word)


def _answered(datagram: bytes) -> Exchange:
    return Exchange(datagram, b"OK..." + datagram)


def exchange(number: int) -> Exchange:
    """A short text, different for every number."""
    return _answered(f"{number} {_WORDS[number % len(_WORDS)]}".encode())


def awkward() -> tuple[Exchange, ...]:
    """Bytes that text functions lose: white space at the ends, NULs, what is not ASCII."""
    return (
        _answered(b"  spaces around it  "),
        _answered(b"a line end\r\n"),
        _answered(b"\n"),
        _answered(b"a NUL \x00 inside, and one at the end \x00"),
        _answered(b"\x00"),
        _answered("Grüße, ∞ and 🙂".encode()),
    )


def sized(size_bytes: int) -> Exchange:
    """Letters and digits; 61 in a row, so that a piece that is lost or moved shows."""
    row = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
    return _answered((row * (size_bytes // len(row) + 1))[:size_bytes])


def oversized() -> tuple[bytes, ...]:
    """They can be sent, but their replies can't."""
    return (b"x" * (LARGEST_BYTES + 1), b"y" * 65_507)


def empty() -> Exchange:
    """A datagram without a byte, which is a message like any other."""
    return _answered(b"")


def garbage() -> tuple[bytes, ...]:
    """Bytes that are no text, or have no words in them."""
    return (
        b"\xff\xfe\x80 is not UTF-8, %s%s%s%s%s%s%n {} {0}",
        b"cut in the middle: \xe2\x82",
        b"\x00" * 64,
        b" \t\r\n",
        bytes(range(256)),
    )


def _typed(line: str) -> Entry:
    reply = b"OK..." + line.encode()
    return Entry(line.encode(), line.encode(), reply, reply)


def typed(number: int) -> Entry:
    """A short line, different for every number."""
    return _typed(f"{number} {_LINES[number % len(_LINES)]}")


def typed_awkward() -> tuple[Entry, ...]:
    """Text of several bytes, white space at the ends, what looks like a reply, the quit word or a format of printf."""
    return tuple(
        map(_typed, ("straße, naïve and € 🐍", "  spaces around it  ", "OK...not yet", "quit now", "100% %s %d %n"))
    )


def typed_sized(size_bytes: int) -> Entry:
    """A line whose reply has so many bytes."""
    return _typed(sized(size_bytes - len(b"OK...")).request.decode())


def leaving() -> Entry:
    """The line that ends the client; it is not sent."""
    return Entry(b"quit", b"", b"", b"")
