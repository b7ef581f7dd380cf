"""DNS messages as bytes (RFC 1035, section 4): written, and taken apart.  Pure."""

from __future__ import annotations

import random
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

#: Of the types that there are, those of the handout, by name.
TYPES: Final = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}
#: ... and their names.
NAMES: Final = {number: name for name, number in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
#: Bits of a header's flags.
IS_ANSWER, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
OPCODE, RCODE = 0x7800, 0x000F
#: A header's length, and so where the question's name is.
HEADER_BYTES: Final = 12
#: An answer over UDP has no more (RFC 1035, 4.2.1).
UDP_BYTES: Final = 512
#: A name with more pointers goes in a circle: one with 127 labels can't have more (RFC 1035, 2.3.4).
_MOST_POINTERS: Final = 127


class Record(NamedTuple):
    """A record; `name` and `data` in small letters, without a dot at the end: "192.0.2.1", "10 mail.example.test"."""

    name: str
    kind: str
    data: str
    ttl: int = 3600


class Message(NamedTuple):
    """A message that was taken apart.  `question`: all bytes of it, as they came."""

    id: bytes
    flags: int
    question: bytes
    answers: tuple[Record, ...]


class NotProperError(Exception):
    """Bytes are no message: the sentence says why."""


# bytes


class Writer:
    """A message in the making; a name's end that was there before becomes a pointer if `compresses`."""

    def __init__(self, begin: bytes, name: str, *, compresses: bool = True) -> None:
        self.data = bytearray(begin)
        self._compresses = compresses
        self._places: dict[str, int] = {}
        self._note(name, HEADER_BYTES)

    def _note(self, name: str, at: int) -> None:
        while name and at < 0x4000:
            self._places.setdefault(name, at)
            label, _, name = name.partition(".")
            at += 1 + len(label)

    def name(self, name: str) -> None:
        """Write a name."""
        left, at = name, len(self.data)
        while left and not (self._compresses and left in self._places):
            label, _, left = left.partition(".")
            self.data += bytes([len(label)]) + label.encode("latin-1")
        self.data += struct.pack("!H", 0xC000 | self._places[left]) if left else b"\0"
        self._note(name, at)

    def record(self, record: Record) -> None:
        """Write a record."""
        self.name(record.name)
        number = TYPES.get(record.kind) or int(record.kind)
        self.data += struct.pack("!HHIH", number, 1, record.ttl, 0)
        begin = len(self.data)
        self._data(record)
        self.data[begin - 2 : begin] = struct.pack("!H", len(self.data) - begin)

    def _data(self, record: Record) -> None:
        if record.kind == "A":
            self.data += IPv4Address(record.data).packed
        elif record.kind == "AAAA":
            self.data += IPv6Address(record.data).packed
        elif record.kind == "CNAME":
            self.name(record.data)
        elif record.kind == "MX":
            preference, _, host = record.data.partition(" ")
            self.data += struct.pack("!H", int(preference))
            self.name(host)
        else:
            self.data += record.data.encode()


def query(name: str, kind: str | int, rng: random.Random, flags: int = RECURSION_DESIRED) -> bytes:
    """A query with a random id, which has the name as it is."""
    number = kind if isinstance(kind, int) else TYPES[kind]
    return rng.randbytes(2) + struct.pack("!5H", flags, 1, 0, 0, 0) + question(name, number)


def question(name: str, number: int) -> bytes:
    """A question's name, type and class."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0" + struct.pack("!HH", number, 1)


def name_at(data: bytes, at: int) -> tuple[str, int]:
    """A name in small letters, and the place behind it.

    Raises:
        NotProperError: there is none.
    """
    name, behind = _written_at(data, at)
    return name.lower(), behind


def _written_at(data: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    behind = pointers = 0
    while (size := _byte(data, at)) > 0:
        if size >= 0xC0:
            behind = behind or at + 2
            pointers += 1
            if pointers > _MOST_POINTERS:
                raise NotProperError(f"the pointers at byte {at} go in a circle")
            at = (size & 0x3F) << 8 | _byte(data, at + 1)
        elif size > 63:
            raise NotProperError(f"the label at byte {at} begins with {size:#x}, which is neither length nor pointer")
        else:
            labels.append(data[at + 1 : at + 1 + size].decode("latin-1"))
            at += 1 + size
    return ".".join(labels), behind or at + 1


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise NotProperError(f"a name goes beyond the message's {len(data)} bytes")
    return data[at]


def taken_apart(data: bytes) -> Message:
    """A message with one question.

    Raises:
        NotProperError: it is none.
    """
    if len(data) < HEADER_BYTES:
        raise NotProperError(f"it has only {len(data)} bytes, and a header has {HEADER_BYTES}")
    flags, questions, *counts = struct.unpack("!5H", data[2:HEADER_BYTES])
    at = HEADER_BYTES
    for _ in range(questions):
        at = name_at(data, at)[1] + 4
    asked, answers = data[HEADER_BYTES:at], []
    for number in range(sum(counts)):
        record, at = _record_at(data, at)
        if number < counts[0]:
            answers.append(record)
    if at != len(data):
        raise NotProperError(f"it has {len(data)} bytes, but {at} are what its header counts")
    return Message(data[:2], flags, asked, tuple(answers))


def _record_at(data: bytes, at: int) -> tuple[Record, int]:
    name, at = name_at(data, at)
    if len(data) < at + 10:
        raise NotProperError(f"the record of '{name}' goes beyond the message's {len(data)} bytes")
    number, _, ttl, size = struct.unpack("!HHIH", data[at : at + 10])
    at += 10
    if len(data) < at + size:
        raise NotProperError(f"the data of the record of '{name}' go beyond the message's {len(data)} bytes")
    kind = NAMES.get(number, str(number))
    return Record(name, kind, _data_at(data, at, size, kind), ttl), at + size


def _data_at(data: bytes, at: int, size: int, kind: str) -> str:
    if kind == "A" and size == 4:
        return str(IPv4Address(data[at : at + 4]))
    if kind == "AAAA" and size == 16:
        return str(IPv6Address(data[at : at + 16]))
    if kind == "CNAME" and name_at(data, at)[1] == at + size:
        return name_at(data, at)[0]
    if kind == "MX" and size > 2 and name_at(data, at + 2)[1] == at + size:
        return f"{int.from_bytes(data[at : at + 2])} {name_at(data, at + 2)[0]}"
    if kind in TYPES:
        raise NotProperError(f"a record of type {kind} has {size} bytes of data, which is not their length")
    return data[at : at + size].hex()


# words


def told(data: bytes) -> str:
    """A message in words, as `dig` shows one; of one that can't be read, why.  Part of a stream has none."""
    over_tcp = 2 + int.from_bytes(data[:2]) <= len(data)
    try:
        return _told(taken_apart(data))
    except NotProperError as error:
        if not over_tcp:
            return f"no message: {error}"
    try:
        return _told(taken_apart(data[2:]))
    except NotProperError:
        return ""


def _told(message: Message) -> str:
    bits = {"AA": AUTHORITATIVE, "TC": TRUNCATED, "RD": RECURSION_DESIRED, "RA": RECURSION_AVAILABLE}
    said = [name for name, bit in bits.items() if message.flags & bit]
    if opcode := message.flags & OPCODE:
        said.append(f"OPCODE {opcode >> 11}")
    if not message.flags & IS_ANSWER:
        return f"query {int.from_bytes(message.id)}{_listed(said)} for {_asked(message.question)}"
    rcode = message.flags & RCODE
    said.append(_RCODES[rcode] if rcode < len(_RCODES) else f"RCODE {rcode}")
    records = "; ".join(f"{record.name or '.'} {record.kind} {record.data}" for record in message.answers)
    there = records or "no records"
    return f"answer {int.from_bytes(message.id)}{_listed(said)} about {_asked(message.question)}: {there}"


def _listed(words: list[str]) -> str:
    return f" ({' '.join(words)})" if words else ""


def _asked(question: bytes) -> str:
    if not question:
        return "no question"
    name, at = _written_at(bytes(HEADER_BYTES) + question, HEADER_BYTES)
    number = int.from_bytes(question[at - HEADER_BYTES : at - HEADER_BYTES + 2])
    return f"{name or '.'} {NAMES.get(number, f'type {number}')}"
