"""How files are cut into chunks, what a peer is asked for them, and what a tracker says (the handout, parts 2 to 4)."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

from grader import Exchange, Reply, form, not_utf8, random_letters

CHUNK_BYTES = 16384
#: What the peer has when it is started as usual.
_SHARE = Path(__file__).parent / "files" / "share"
#: Short texts in it, of a chunk each.
_NOTES = 12
_NAME = b"{name:[0-9a-f]{64}}"


def chunks_of(content: bytes) -> list[bytes]:
    """A file's chunks, in order; an empty one has none."""
    return [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]


def name_of(chunk: bytes) -> bytes:
    """What a chunk is called."""
    return sha256(chunk).hexdigest().encode()


def names_in(content: bytes) -> list[bytes]:
    """The names of a file's chunks, in order."""
    return [name_of(chunk) for chunk in chunks_of(content)]


# between peers


def get(name: bytes) -> bytes:
    """The request for a chunk."""
    return b"GET %b\n" % name


#: The same as a peer sends it, whichever chunk it asks for.
GET: Reply = form(b"GET " + _NAME)


def here_is(chunk: bytes) -> bytes:
    """The answer of a peer that has it."""
    return b"CHUNK %d\n%b" % (len(chunk), chunk)


NONE = b"NONE\n"


def asked(chunk: bytes) -> Exchange:
    """A request for a chunk, and the answer of a peer that has it."""
    return Exchange(get(name_of(chunk)), here_is(chunk))


# what a tracker hears and says


#: The first line of a peer.
HELLO: Reply = form(b"HELLO {port:[0-9]{1,5}}")
#: Each of its other lines.
NEWS: Reply = form(b"HAVE " + _NAME, b"DONE {file:[A-Za-z0-9._-]{1,100}}")


def file_line(file: bytes, content: bytes) -> bytes:
    """What a file consists of."""
    return b" ".join([b"FILE", file, b"%d" % len(content), *names_in(content)]) + b"\n"


def at_line(port: int, chunk: bytes) -> bytes:
    """Where a chunk is."""
    return b"AT 127.0.0.1 %d %b\n" % (port, name_of(chunk))


# a peer that only serves


def exchange(number: int, rng: random.Random) -> Exchange:
    """A chunk that it has; every fourth time one that nobody has."""
    if number % 4 == 3:
        return Exchange(get(name_of(b"%d" % number + rng.randbytes(16))), form(b"NONE"))
    return asked((_SHARE / f"note{number % _NOTES + 1}.txt").read_bytes())


def known_chunk() -> bytes:
    """A chunk that it has."""
    return (_SHARE / "note1.txt").read_bytes()


def long_chunk() -> bytes:
    """One of full length."""
    return chunks_of((_SHARE / "map.bin").read_bytes())[0]


def invalid_text(rng: random.Random) -> tuple[bytes, ...]:
    """A line that is not UTF-8, and a request for a name that is not."""
    return not_utf8(rng).replace(b"\n", b" ") + b"\n", get(not_utf8(rng).replace(b"\n", b" "))


def other_lines(rng: random.Random) -> tuple[bytes, ...]:
    """What is no request for a chunk, without the ends of the lines."""
    name = name_of(rng.randbytes(8))
    return b"", b"HELLO 6881", b"GET", b"GET " + name[:40], b"GIVE " + name, random_letters(rng, 200)
