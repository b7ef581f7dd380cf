"""RESP: a command is an array of bulk strings."""

import random

from grader import Exchange, every_byte, not_utf8, random_letters, random_words


def bulk(value: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%s\r\n" % (len(value), value)


def command(*words: bytes) -> bytes:
    """A command."""
    return b"*%d\r\n%s" % (len(words), b"".join(map(bulk, words)))


def _echoed(value: bytes) -> Exchange:
    return Exchange(command(b"ECHO", value), bulk(value))


def exchange(number: int, rng: random.Random) -> Exchange:
    """An ECHO, or a PING that holds something, which is answered likewise."""
    words = f"{number} {random_words(rng)}".encode()
    return Exchange(command(b"PING", words), bulk(words)) if number % 3 == 2 else _echoed(words)


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Values are bytes, line endings included."""
    return (_echoed(every_byte(rng)), _echoed(b"a\r\n$5\r\n"), _echoed(b"\x00 " + not_utf8(rng)), _echoed(b""))


def surprise(rng: random.Random) -> Exchange:
    """Random bytes."""
    return _echoed(rng.randbytes(150))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """One long value."""
    return _echoed(random_letters(rng, size_bytes - 40))
