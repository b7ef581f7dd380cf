"""What a message of tcp_uppercase is, and its right answer."""

from __future__ import annotations

import random

from grader import Entry, Exchange

_WORDS = ("hello", "what a day", "Sockets are files", "mixed CASE 42", "a", "two  spaces", "the last one?")


def _answered(line: bytes) -> Exchange:
    return Exchange(line + b"\n", line.upper() + b"\n")  # bytes.upper changes ASCII letters only


def exchange(number: int) -> Exchange:
    """A short line, different for every number."""
    return _answered(f"{_WORDS[number % len(_WORDS)]} {number}".encode())


def awkward() -> tuple[Exchange, ...]:
    """Bytes that are not text, and text that is not ASCII."""
    every_byte = bytes(value for value in range(256) if value != 0x0A)
    return (
        _answered(every_byte),
        _answered("straße, ÿ, \u0131 and \ufb01 stay, letters change".encode()),
        _answered(b"caf\xe9 in Latin-1, \xff\xfe\x80 in nothing"),
        _answered(b"a NUL \x00 and an end of file \x1a inside"),
        _answered(b"\t tabs and trailing spaces \t  "),
        _answered(b"typed in telnet\r"),
        _answered(b""),
    )


def sized(size_bytes: int) -> Exchange:
    """One line of letters, so many bytes with its LF."""
    alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return _answered((alphabet * (size_bytes // len(alphabet) + 1))[: size_bytes - 1])


def surprise(source: random.Random) -> Exchange:
    """Random bytes without a line end."""
    return _answered(bytes(value for value in source.randbytes(source.randint(1, 200)) if value != 0x0A))


def _typed(line: str) -> Entry:
    answered = _answered(line.encode())
    return Entry(line.encode(), answered.request, answered.reply, shown=answered.reply.removesuffix(b"\n"))


def typed(number: int) -> Entry:
    """A short line, different for every number; the brackets keep 1 from standing in 10."""
    return _typed(f"{_WORDS[number % len(_WORDS)]} ({number})")


def typed_awkward() -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, and lines that are changed or misread easily."""
    return (
        _typed("stra\u00dfe, \u0131 and \ufb01 stay, for 10 \u20ac, \u6f22\u5b57, \U0001f40d"),
        _typed("  spaces at both ends  "),
        _typed(""),
        _typed("quit? Not yet"),
        _typed("100 %x of it"),  # a format, where a reply is given to printf as one
    )


def typed_sized(size_bytes: int) -> Entry:
    """One line of letters, whose reply has so many bytes with its LF."""
    return _typed(sized(size_bytes).request.decode().removesuffix("\n"))


def leaving() -> Entry:
    """The line that ends the client; the server never hears of it."""
    return Entry(line=b"quit", request=b"", reply=b"", shown=b"")
