"""Questions with random ids."""

import random
from collections.abc import Mapping
from ipaddress import IPv4Address

from grader import Reply, Turn, Values, Visit, judged, random_letters


def question(name: str) -> Reply:
    """The datagram that asks for a name, whatever its id."""

    def judge(data: bytes) -> str | Mapping[str, bytes]:
        if data[2:] != name.encode():
            return f"behind the id is {data[2:]!r}, not the name {name}"
        return {"id": data[:2]}

    return judged(judge, f"an id of two bytes and '{name}'")


def visit(number: int, rng: random.Random) -> Visit:
    """Every third name is unknown."""
    name, address = _name(rng), rng.randbytes(4) if number % 3 != 2 else b""
    return _visit(name, address, Turn(question(name), lambda seen: seen["id"] + address))


def visit_other_ids(rng: random.Random) -> Visit:
    """A wrong answer comes first, with an id that nobody has asked for."""
    name, wrong, right = _name(rng), rng.randbytes(4), rng.randbytes(4)

    def says(seen: Values) -> tuple[bytes, ...]:
        return bytes(byte ^ 255 for byte in seen["id"]) + wrong, seen["id"] + right

    return _visit(name, right, Turn(question(name), says))


def _name(rng: random.Random) -> str:
    return f"{random_letters(rng, 12).decode().lower()}.example"


def _visit(name: str, address: bytes, *turns: Turn) -> Visit:
    return Visit(
        turns=turns,
        fill={"name": name},
        shown=b"%s\n" % str(IPv4Address(address)).encode() if address else b"",
        status=0 if address else None,
    )
