"""What a message of tcp_chat is, and what everybody hears of it; and what a client shows."""

from __future__ import annotations

from grader import Entry, Exchange

_WORDS = ("hello", "is anybody here", "me too", "what about lunch", "no", "see you later")


def _heard(sent: bytes, line: str) -> Exchange:
    """What one member sends, and the line that all get, the sender included."""
    said = line.encode() + b"\n"
    return Exchange(sent, said, said)


def _said(line: str) -> Exchange:
    return _heard(line.encode() + b"\n", line)


def opening() -> Exchange:
    """The greeting, which comes unasked, and only to the newcomer."""
    return Exchange(b"", b"Welcome\n")


def exchange(number: int) -> Exchange:
    """A short line of ASCII text, different for every number."""
    return _said(f"{_WORDS[number % len(_WORDS)]} {number}")


def text() -> tuple[Exchange, ...]:
    """Lines with characters of two, three and four bytes."""
    return (_said("Schöne Grüße"), _said("お元気ですか"), _said("good 👍🏽, 12 € each"))


def invalid_text() -> tuple[bytes, ...]:
    """Lines that are not UTF-8: no first byte, Latin-1, a character that breaks off, a surrogate, an overlong NUL."""
    return (b"\xff\xfe\n", b"caf\xe9\n", b"12 \xe2\x82\n", b"\xed\xa0\x80\n", b"nothing \xc0\x80\n")


def line_endings() -> tuple[Exchange, ...]:
    """One line with all ends that it may have, with white space before it, and with empty lines before it."""
    line = "the same line"
    return (
        _heard(b"the same line\n", line),
        _heard(b"the same line\r\n", line),
        _heard(b"the same line   \n", line),
        _heard(b"the same line\t \r\n", line),
        _heard(b" \tthe same line\r\n", " \tthe same line"),
        _heard(b"\nthe same line\n", line),
        _heard(b"\r\n \t\r\nthe same line\r\n", line),
    )


def unterminated() -> Exchange:
    """A last line without its end."""
    return _heard(b"bye all", "bye all")


def sized(size_bytes: int) -> Exchange:
    """One line of letters."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return _said((alphabet * (size_bytes // len(alphabet) + 1))[: size_bytes - 1])


def _typed(line: str) -> Entry:
    """A line that is typed into a client, which hears it like everybody else: without the white space at its end."""
    heard = line.rstrip(" \t").encode()
    return Entry(line.encode(), line.encode() + b"\n", heard + b"\n", heard)


def typed(number: int) -> Entry:
    """A short line of ASCII text, different for every number."""
    return _typed(f"{_WORDS[number % len(_WORDS)]} {number}")


def typed_awkward() -> tuple[Entry, ...]:
    """Characters of two, three and four bytes, and spaces at both ends."""
    return (
        _typed("Schöne Grüße"),
        _typed("お元気ですか"),
        _typed("good 👍🏽, 12 € each"),
        _typed("  spaces at both ends  "),
    )


def unasked() -> Entry:
    """What another member says."""
    return Entry(b"", b"", "am I the only one for Döner?\n".encode(), "am I the only one for Döner?".encode())
