"""What a client asks for, the reply that it gets, and the file that it writes then."""

from __future__ import annotations

import random
from collections.abc import Mapping

from grader import Reply, Turn, Visit, every_byte, form, http_request, random_letters

#: Where the body is stored.
OUTPUT = "output"
_HOST = form(b"{host:[^: ]+}:{port:[0-9]+}", ending=b"")


def visit(number: int, rng: random.Random) -> Visit:
    """A file with every byte value in it, and with what might be taken for a line's or a head's end."""
    body = random_letters(rng, 20 + 90 * number) + b"\r\n\r\n" + every_byte(rng) + b"\n\0"
    return stored(f"/{_name(rng)}", body, reply(body, {"Content-Length": f"{len(body)}", "Server": "grader"}))


def visit_sized(size_bytes: int, rng: random.Random) -> Visit:
    """A large one."""
    head = len(reply(b"", {"Content-Length": f"{size_bytes}"}))
    body = random_letters(rng, size_bytes - head)
    return stored(f"/{_name(rng)}", body, reply(body, {"Content-Length": f"{len(body)}"}))


def stored(path: str, body: bytes, says: bytes, *, hangs_up: bool = False) -> Visit:
    """The reply's body is stored; `path`: what is behind the port in the URL."""
    return Visit(
        turns=(Turn(asked(path), says),),
        fill=url(path),
        written={OUTPUT: body},
        hangs_up=hangs_up,
    )


def failed(says: bytes) -> Visit:
    """The reply is one that the client must report; it ends with the connection."""
    return Visit(
        turns=(Turn(asked("/page.html"), says),),
        fill=url("/page.html"),
        status=None,
        hangs_up=True,
    )


def asked(path: str) -> Reply:
    """The request for it."""
    target = path.partition("#")[0] or "/"
    return http_request("GET", target.encode(), headers={"Host": _HOST, "Connection": b"close"}, strict=True)


def url(path: str) -> dict[str, str]:
    """What stands for {url}."""
    return {"url": f"http://{{host}}:{{port}}{path}"}


def reply(body: bytes, headers: Mapping[str, str], status: str = "200 OK") -> bytes:
    """A whole reply."""
    lines = (f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", "")
    return "\r\n".join(lines).encode() + body


def in_chunks(*chunks: bytes, lengths: str = "{:x}") -> bytes:
    """A body in chunks, the last one included."""
    return b"".join(b"%b\r\n%b\r\n" % (lengths.format(len(chunk)).encode(), chunk) for chunk in (*chunks, b""))


def _name(rng: random.Random) -> str:
    return f"{random_letters(rng, 8).decode().lower()}.bin"
