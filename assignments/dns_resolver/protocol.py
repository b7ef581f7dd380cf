"""What a query is and what answers it, and what a resolver must print.

A server's answer is told from a wrong one by the records in it, whatever way these are written in.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from messages import (
    HEADER_BYTES,
    IS_ANSWER,
    NAMES,
    NOERROR,
    RCODE,
    RECURSION_AVAILABLE,
    RECURSION_DESIRED,
    TRUNCATED,
    TYPES,
    Message,
    NotProperError,
    Record,
    Writer,
    name_at,
    query,
    taken_apart,
    told,
)

from grader import Exchange, Reply, Turn, Values, Visit, every_byte, frame, judged, not_utf8, random_blanks

#: A message in words, for reports.
describe = told


# the server


def zone_of(text: str) -> tuple[Record, ...]:
    """The records of a zone file."""
    lines = (line.split() for line in text.splitlines() if line.strip() and line[0] not in ";$")
    return tuple(
        Record(name.rstrip("."), kind, " ".join(data).lower().rstrip("."), int(ttl))
        for name, ttl, _, kind, *data in lines
    )


ZONE: Final = zone_of((Path(__file__).parent / "files" / "example.zone").read_text())
_HOSTS: Final = ("oak", "willow", "elm", "hawthorn", "fir", "beech", "lime", "rowan")


def exchange(number: int, rng: random.Random) -> Exchange:
    """The address of a host."""
    return asking(f"{_HOSTS[number % len(_HOSTS)]}.example.test", "A", rng)


def asking(name: str, kind: str | int, rng: random.Random, rcode: int = NOERROR) -> Exchange:
    """A query about the zone, and the answer that it must get; of a name that may have any case."""
    return answered(query(name, kind, rng), ZONE, rcode)


def answered(asked: bytes, zone: Iterable[Record], rcode: int = NOERROR, *, ttl: bool = False) -> Exchange:
    """A query, and the answer that it must get from a server of these records.  `ttl`: whether that must be right."""
    return Exchange(asked, judged(judge_answer(asked, zone, rcode, ttl=ttl), words_for(asked)))


def words_for(asked: bytes) -> str:
    """What must answer a query, in words."""
    name, at = name_at(asked, HEADER_BYTES)
    number = int.from_bytes(asked[at : at + 2])
    return f"the answer to the query for {NAMES.get(number, f'type {number}')} of {name}"


def judge_answer(
    asked: bytes, zone: Iterable[Record], rcode: int = NOERROR, *, ttl: bool = False
) -> Callable[[bytes], str | None]:
    """What is wrong with an answer to a query, in which all is said that the zone has about it."""
    name, at = name_at(asked, HEADER_BYTES)
    kind = NAMES.get(int.from_bytes(asked[at : at + 2]), "")
    wanted = [*answers_in(zone, name, kind)] if rcode == NOERROR else []

    def judge(data: bytes) -> str | None:
        try:
            message = taken_apart(data)
        except NotProperError as error:
            return str(error)
        return wrong_header(message, asked, rcode) or _wrong_records(message.answers, wanted, ttl=ttl)

    return judge


def wrong_header(message: Message, asked: bytes, rcode: int) -> str | None:
    """What is wrong with an answer's header and question."""
    if message.id != asked[:2]:
        return f"its id is {message.id.hex()}, not the query's {asked[:2].hex()}"
    if not message.flags & IS_ANSWER:
        return "the bit QR in its header is 0: that is a query"
    if message.flags & TRUNCATED:
        return "the bit TC in its header is 1, but nothing had to be left out"
    if (found := message.flags & RCODE) != rcode:
        return f"the RCODE in its header is {found}, not {rcode}"
    if message.question != asked[HEADER_BYTES:]:
        return "its question is not, byte by byte, that of the query"
    return None


def answers_in(zone: Iterable[Record], name: str, kind: str) -> Iterator[Record]:
    """The records that answer a question: aliases first, in the order of the chain."""
    there = [*zone]
    while alias := next((one for one in there if (one.name, one.kind) == (name, "CNAME")), None):
        yield alias
        if kind == "CNAME":
            return
        name = alias.data
    yield from (one for one in there if (one.name, one.kind) == (name, kind))


def _wrong_records(found: Iterable[Record], wanted: list[Record], *, ttl: bool) -> str | None:
    """What is wrong with an answer's records; those behind the aliases may come in any order."""
    got = [*found]
    if ttl and (other := [one for one in got if one not in wanted]) and not _wrong_records(got, wanted, ttl=False):
        return f"the TTL of '{in_words(other[0])}' is {other[0].ttl}, which is not that in the file"
    came, right = sorted(map(in_words, got)), sorted(map(in_words, wanted))
    if came != right:
        return compared(came, right)
    aliases = [one.data for one in got if one.kind == "CNAME"]
    if [one.kind for one in got[: len(aliases)]] != ["CNAME"] * len(aliases):
        return "an alias comes behind the records of the name that it stands for"
    return None if aliases == [one.data for one in wanted if one.kind == "CNAME"] else "the aliases are not in order"


def in_words(record: Record) -> str:
    """A record as the client prints it."""
    return f"{record.name} {record.kind} {record.data}"


def compared(came: list[str], right: list[str]) -> str:
    """How records differ from the right ones."""
    if lacking := [line for line in right if line not in came]:
        return f"it lacks '{lacking[0]}'" + (f"; it has '{came[0]}'" if len(came) == 1 else "")
    more = next(line for line in came if came.count(line) > right.count(line))
    return f"it has '{more}', which {'is there already' if more in right else 'is no answer to that'}"


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """What is no query."""
    asked = query("oak.example.test", "A", rng)
    return (
        b"",
        asked[:1],
        asked[:11],
        asked[:20],
        asked[:-1],
        asked[:12] + b"\xc0\x0c\0\1\0\1",
        asked[:12] + b"\xff" * 20,
        asked[:4] + b"\xff" * 8 + asked[12:],
        every_byte(rng),
        not_utf8(rng),
        b"\0" * rng.randint(2, 64),
        random_blanks(rng),
    )


# the client


def visit(number: int, rng: random.Random) -> Visit:
    """One, three or two addresses of a name."""
    name = host_name(rng, (2, 3, 1)[number % 3])
    addresses = [Record(name, "A", address_of(rng)) for _ in range((1, 3, 2)[number % 3])]
    return resolved(name, "A", addresses)


def host_name(rng: random.Random, labels: int = 1) -> str:
    """A name in example.test."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ".".join(["".join(rng.choices(letters, k=5 + at)) for at in range(labels)] + ["example.test"])


def address_of(rng: random.Random) -> str:
    """An IPv4 address for documents (RFC 5737)."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}"


def resolved(name: str, kind: str, records: Iterable[Record], says: Callable[[Values], bytes] | None = None) -> Visit:
    """The name has these records, all of them printed.  `says`: the answer, unless it has nothing but these."""
    there = [*records]
    return Visit(
        turns=(Turn(asks(name, kind), says or (lambda seen: answer(seen, there))),),
        fill=asked_for(name, kind),
        shown=printed(there),
    )


def failed(name: str, kind: str, says: Callable[[Values], bytes | tuple[bytes, ...]], word: bytes = b"") -> Visit:
    """The client must say on stderr why there is no answer, with this word, and print no record."""
    return Visit(
        turns=(Turn(asks(name, kind), says),),
        fill=asked_for(name, kind),
        shown=printed(()),
        complaint=word,
        status=None,
    )


def asked_for(name: str, kind: str) -> dict[str, str]:
    """What stands for the name and the type."""
    return {"name": name, "type": kind}


def asks(name: str, kind: str, *, over_tcp: bool = False) -> Reply:
    """The client's query, whatever its id, as a datagram or with its length in front."""

    def judge(data: bytes) -> str | dict[str, bytes]:
        try:
            message = taken_apart(data)
            found, at = name_at(data, HEADER_BYTES)
        except NotProperError as error:
            return str(error)
        if message.flags != RECURSION_DESIRED:
            return f"the 16 bits behind the id are {message.flags:#06x}; of a query only RD is 1, so {0x0100:#06x}"
        if (counts := struct.unpack("!4H", data[4:HEADER_BYTES])) != (1, 0, 0, 0):
            return f"its header counts {counts}: a query has one question, and nothing else"
        if found != name.lower():
            return f"it asks for '{found}', not for '{name}'"
        if (number := struct.unpack("!HH", data[at : at + 4])) != (TYPES[kind], 1):
            return f"type and class are {number[0]} and {number[1]}, not {TYPES[kind]} and 1"
        return {"id": data[:2], "question": message.question}

    words = f"a query for {kind} of {name}"
    return frame("!H", judge=judge, words=f"{words}, its length in front") if over_tcp else judged(judge, words)


def answer(
    seen: Values,
    answers: Iterable[Record],
    *more: Iterable[Record],
    flags: int = IS_ANSWER | RECURSION_DESIRED | RECURSION_AVAILABLE,
    compresses: bool = True,
) -> bytes:
    """The answer to a query that was heard.  `more`: of the other two sections."""
    sections = [[*section] for section in (answers, *more, (), ())][:3]
    counts = struct.pack("!5H", flags, 1, *map(len, sections))
    begin = seen["id"] + counts + seen["question"]
    writer = Writer(begin, name_at(begin, HEADER_BYTES)[0], compresses=compresses)
    for record in (record for section in sections for record in section):
        writer.record(record)
    return bytes(writer.data)


_LINE: Final = re.compile(rf"(\S+) ({'|'.join(TYPES)}) (\S+(?: \S+)?)\s*")


def printed(records: Iterable[Record]) -> Reply:
    """The output has a line for each record, in this order, and for no other."""
    right = [*map(in_words, records)]

    def judge(output: bytes) -> str | None:
        lines = output.decode("utf-8", "replace").splitlines()
        came = [in_words(_record_in(match)) for line in lines if (match := _LINE.fullmatch(line))]
        if sorted(came) != sorted(right):
            return compared(came, right)
        return None if came == right else f"its lines are not in order: '{came[0]}' comes first"

    return judged(judge, f"the lines {', '.join(map(repr, right))}" if right else "no line with a record")


def _record_in(line: re.Match[str]) -> Record:
    """A printed record, its data as we write them; an IPv6 address may be written in several ways."""
    name, kind, data = (part.lower().rstrip(".") for part in line.groups())
    with suppress(ValueError):
        data = str(IPv6Address(data)) if kind == "aaaa" else data
    return Record(name, kind.upper(), data)
