"""What a message of tcp_uppercase is, and its right answer."""

from __future__ import annotations

import random

from grader import Exchange

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
