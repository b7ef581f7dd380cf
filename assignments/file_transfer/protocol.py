"""What is said on the control connection (RFC 959), and what a reply looks like."""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Mapping
from typing import Any

from grader import Exchange, Reply, form

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
