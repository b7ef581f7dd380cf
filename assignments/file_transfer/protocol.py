"""What is said on the control connection (RFC 959), what a reply looks like, and a client's session."""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Mapping
from typing import Any

from msgspec.structs import replace

from grader import Exchange, Reply, Turn, Visit, form, random_letters, random_words

USER, PASSWORD = b"student", b"sesame"
#: Where 227 says that the server waits: the address and the port, as six numbers (RFC 959, 4.1.2).
_PLACE = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")


def code(*codes: int) -> Reply:
    """A reply of one line with one of these codes, and any text."""
    return form(*(b"%d {text:.*}" % number for number in codes), ending=b"\r\n")


def command(line: bytes, *codes: int) -> Exchange:
    """A command, and the codes that its reply may have."""
    return Exchange(line + b"\r\n", code(*codes))


def place_in(line: bytes) -> tuple[str, int] | None:
    """The address and port in a reply to PASV; None: they are not there."""
    found = _PLACE.search(line)
    numbers = [int(number) for number in found.groups()] if found else []
    if not numbers or max(numbers) > 255:
        return None
    return ".".join(map(str, numbers[:4])), numbers[4] * 256 + numbers[5]


def greeting(_: random.Random) -> bytes:
    """To each new client."""
    return b"220 ready\r\n"


def exchange(number: int, _: random.Random) -> Exchange:
    """What is right at any time, in capital and small letters (RFC 959, 5.3)."""
    return command((b"NOOP", b"noop", b"Noop")[number % 3], 200)


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Mapping[str, Any], None]:
    """A client that logs in."""
    yield command(b"USER " + USER, 331)
    yield command(b"PASS " + PASSWORD, 230)
    yield exchange(number, rng)


def pipelined(count: int, rng: random.Random) -> tuple[Exchange, ...]:
    """Commands that may be sent before any of them is answered."""
    return tuple(exchange(number, rng) for number in range(count))


def closing(_: random.Random) -> Exchange:
    """After its reply the server closes the connection."""
    return command(b"QUIT", 221)


# the client

#: Of a line in a long reply.
_LINE_BYTES = 60
#: How each session of a client ends.
QUIT = Turn(b"QUIT\r\n", b"221 bye\r\n")


def told(command: str, name: str, user: str = "anna", password: str = "secret") -> dict[str, str]:  # noqa: S107
    """What a client is started with: any account will do where the server is ours."""
    return {"user": user, "password": password, "command": command, "name": name}


def visit(number: int, rng: random.Random) -> Visit:
    """A file is deleted."""
    return deletes(f"{random_letters(rng, 6).decode()}{number}.txt", b"250 %b\r\n" % random_words(rng).encode(), rng)


def visit_in_turns(rng: random.Random) -> Visit:
    """The reply to QUIT may come together with the one before."""
    return visit(0, rng)


def visit_sized(size_bytes: int, rng: random.Random) -> Visit:
    """The reply to QUIT has many lines."""
    begin, end = b"221-what you have done:\r\n", b"221 bye\r\n"
    count = max(0, size_bytes - len(begin + end)) // _LINE_BYTES
    lines = (random_letters(rng, _LINE_BYTES - 2) + b"\r\n" for _ in range(count))
    usual = visit(0, rng)
    return replace(usual, turns=(*usual.turns[:-1], Turn(b"QUIT\r\n", begin + b"".join(lines) + end)))


def deletes(name: str, reply: bytes, rng: random.Random, *, login: tuple[Turn, ...] = ()) -> Visit:
    """A file is deleted, and the last line of the reply is printed.

    `login`: how the session begins, if not as usual.
    """
    user, password = (random_letters(rng, 6).decode() for _ in range(2))
    begins = login or logs_in(user, password)
    return Visit(
        turns=(*begins, Turn(b"DELE %b\r\n" % name.encode(), reply), QUIT),
        fill=told("delete", name, user, password),
        shown=reply.splitlines()[-1],
    )


def logs_in(user: str, password: str, greeting_: bytes = b"220 hello\r\n") -> tuple[Turn, ...]:
    """A server that asks for a password."""
    return (
        Turn(b"", greeting_),
        Turn(b"USER %b\r\n" % user.encode(), b"331 and the password?\r\n"),
        Turn(b"PASS %b\r\n" % password.encode(), b"230 you are in\r\n"),
    )
