"""What a message of tcp_echo is, and its right answer: any bytes, which come back as they are; a client's are lines."""

from __future__ import annotations

import random

from grader import Entry, Exchange

_WORDS = ("hello", "is anybody there?", "Sockets are files", "mixed CASE 42", "a", "two  spaces", "so long")
_ALPHABET = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _echoed(line: bytes) -> Exchange:
    """A line, which comes back; none but the one of `closing()` may be `close`."""
    return Exchange(line + b"\n", line + b"\n")


def exchange(number: int) -> Exchange:
    """A short line, different for every number."""
    return _echoed(f"{_WORDS[number % len(_WORDS)]} {number}".encode())


def awkward() -> tuple[Exchange, ...]:
    """Bytes that are not text, and text that is not ASCII."""
    every_byte = bytes(value for value in range(256) if value != 0x0A)
    return (
        _echoed(every_byte),
        _echoed("straße, \u20ac and \U0001f40d".encode()),
        _echoed(b"caf\xe9, \xff\xfe\x80"),
        _echoed(b"a NUL \x00 inside"),
        _echoed(b"\t tabs and spaces \t "),
        _echoed(b"telnet\r"),
        _echoed(b""),
    )


def sized(size_bytes: int) -> Exchange:
    """One line of letters, its LF included in the size."""
    return _echoed((_ALPHABET * (size_bytes // len(_ALPHABET) + 1))[: size_bytes - 1])


def surprise(source: random.Random) -> Exchange:
    """Random bytes without a line end; the first one keeps them from being `close`."""
    return _echoed(b"\xff" + bytes(value for value in source.randbytes(source.randint(1, 200)) if value != 0x0A))


def closing() -> Exchange:
    """The line after whose echo the server closes."""
    return _echoed(b"close")


def _typed(line: str) -> Entry:
    """A line that is typed into the client, and what comes of it."""
    text = line.encode()
    echoed = _echoed(text)
    return Entry(text, echoed.request, echoed.reply, text)


def typed(number: int) -> Entry:
    """A short line, different for every number."""
    return _typed(f"{_WORDS[number % len(_WORDS)]} {number}")


def typed_awkward() -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, spaces at both ends, and nothing."""
    return (_typed("straße, \u20ac and \U0001f40d"), _typed("  spaces at both ends  "), _typed(""))


def typed_sized(size_bytes: int) -> Entry:
    """A line of letters that has so many bytes with its LF."""
    line = sized(size_bytes).request.removesuffix(b"\n")
    return _typed(line.decode())


def leaving() -> Entry:
    """The line that is echoed like any other, and ends the conversation."""
    return _typed("close")
