"""What a datagram of udp_uppercase is, and its right answer; and what a line that is typed into the client becomes."""

from __future__ import annotations

from grader import Entry, Exchange

#: All that IPv4 carries (65 535 less 20 of IP and 8 of UDP headers; udp(7)); a reply is as long as its request.
LARGEST_BYTES = 65_507

_WORDS = ("1st udp client", "hello", "Datagrams are messages", "two\nlines", "mixed CASE", "a", "the last one?")
_EVERY_BYTE = bytes(range(256))


def _answered(datagram: bytes) -> Exchange:
    return Exchange(datagram, datagram.upper())  # bytes.upper changes ASCII letters only


def exchange(number: int) -> Exchange:
    """A short text of ASCII, different for every number."""
    return _answered(f"{number} {_WORDS[number % len(_WORDS)]}".encode())


def awkward() -> tuple[Exchange, ...]:
    """Bytes that text functions lose or change: white space at the ends, NULs, letters and bytes that are not ASCII."""
    return (
        _answered(b"  spaces around it  "),
        _answered(b"a line end\r\n"),
        _answered(b"a NUL \x00 inside, and one at the end \x00"),
        _answered(b"next to letters: @[ and `{, far from them: 0 9 | } ~ \x7f"),
        _answered("Grüße, ÿ, \u0131 and \ufb01 stay, ∞ and 🙂 too".encode()),
        _answered(b"caf\xe9 in Latin-1, \xff\xfe\x80 in nothing"),
        _answered(_EVERY_BYTE[0x20:] + _EVERY_BYTE[:0x20]),
    )


def sized(size_bytes: int) -> Exchange:
    """Letters and digits; 61 in a row, so that a piece that is lost or moved shows."""
    return _answered(_row(size_bytes))


def _row(size_bytes: int) -> bytes:
    row = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
    return (row * (size_bytes // len(row) + 1))[:size_bytes]


def oversized() -> tuple[bytes, ...]:
    """None: whatever can be sent can be answered."""
    return ()


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
        _EVERY_BYTE,
    )


_LINES = ("hello", "Datagrams are messages", "mixed CASE", "the last one?")


def _typed(line: bytes) -> Entry:
    return Entry(line, line, line.upper(), line.upper())


def typed(number: int) -> Entry:
    """A short line of ASCII, different for every number."""
    return _typed(f"line {number}: {_LINES[number % len(_LINES)]}".encode())


def typed_awkward() -> tuple[Entry, ...]:
    """Characters of several bytes, white space at the ends, a beginning like `quit`, a format of printf, no text."""
    plain = ("  spaces around it  ", "quit or not?", "100% %s %d %n", "")
    texts = ("straße, naïve, \u0131 and \ufb01 stay, ∞ and 🙂 too", *plain)
    return tuple(_typed(text.encode()) for text in texts)


def typed_sized(size_bytes: int) -> Entry:
    """One whose reply has exactly this many bytes."""
    return _typed(_row(size_bytes))


def leaving() -> Entry:
    """The word that ends the client, which is not sent."""
    return Entry(b"quit", b"", b"", b"")
