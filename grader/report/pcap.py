"""A transcript as a packet capture (pcapng), which Wireshark and tshark read as the conversation that it was.

The bytes, the pieces, the ports, the times and who closed or reset are those of the transcript.  What it does not have
is made as any TCP would have made it: the handshake at the moment of connecting, sequence numbers from the bytes, and
an acknowledgement after each segment, since that is what the gate has waited for.  A message that the program sent is
there when we read it.  Everything else that happened is a comment on the packet before it, the verdict too.  Times
count from the start of the grading, for each check anew.  Pure.

Formats: draft-ietf-opsawg-pcapng, RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP).
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from grader.model import WITH_ITS_FIN, CheckResult, Event, EventKind, Report
from grader.report import safe, text, transcript

Address = tuple[str, int]

#: Type of a link whose packets begin with an IP header (LINKTYPE_RAW).
_RAW_IP: Final = 101
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_COMMENT, _USER_APPLICATION, _INTERFACE_NAME, _RESOLUTION = 1, 4, 2, 9
#: An option's length has 16 bits; a longer comment is read by nobody.
_COMMENT_CHARACTERS: Final = 2_000
_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
#: Fits an IPv4 packet with both headers; Linux sends up to this much over loopback.
_SEGMENT_BYTES: Final = 32_768
_WINDOW: Final = 65_535
#: Between packets that the transcript gives one time for.
_TICK_NS: Final = 1_000
#: Where a transcript names no port: those that the kernel gives to clients begin here.
_FIRST_PORT: Final = 32_768
_LOCAL: Final = "127.0.0.1"
_A_PORT: Final = re.compile(r"\bport (\d{1,5})\b")


class Packet(NamedTuple):
    """One IP packet, its time in nanoseconds since the check began, and comments."""

    at_ns: int
    data: bytes
    comments: tuple[str, ...] = ()


def render(report: Report, check: CheckResult) -> bytes:
    """One check's conversation as a pcapng file; without a packet if nobody has said anything."""
    recorder = _Recorder()
    for event in check.evidence:
        recorder.note(event)
    about = [
        f"{safe.one_line(report.assignment)}, {safe.one_line(check.id)}: {text.title(check)}",
        text.requirement_line(check),
        f"{text.capital(text.reason_clause(check))}.",
        f"seed {report.grader.seed}, submission {safe.one_line(report.submission.name)}",
        *recorder.unplaced,
    ]
    return pcapng(recorder.packets, about, f"socket-grader {report.grader.version}", report.started)


def file_name(check: CheckResult) -> str:
    """What a check's capture is called."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', check.id)}.pcapng"


# what happened, as packets


@dataclass
class _Side:
    """One end of a connection: the next sequence number, and whether it has closed."""

    address: Address
    next: int
    closed: bool = False


@dataclass
class _Stream:
    """A connection: our end and the program's."""

    ours: _Side
    theirs: _Side
    is_reset: bool = False


@dataclass
class _Recorder:
    """Makes packets from events, in order."""

    packets: list[Packet] = field(default_factory=list)
    #: Comments from before the first packet.
    unplaced: list[str] = field(default_factory=list)
    _streams: dict[str, _Stream] = field(default_factory=dict)
    _count: int = 0

    def note(self, event: Event) -> None:
        """Add what an event has put on the wire, or a comment."""
        at_ns = round(event.at_ms * 1e6)
        if event.kind is EventKind.CONNECTED:
            self._connect(event, at_ns)
        elif event.kind in {EventKind.SENT, EventKind.RECEIVED} and event.ends:
            self._datagram(event, at_ns)
        elif event.kind is EventKind.SENT:
            self._segments(event, at_ns, outgoing=True)
        elif event.kind is EventKind.RECEIVED:
            self._segments(event, at_ns, outgoing=False)
        elif event.kind in _ENDS:
            self._end(event, at_ns)
        else:
            self._comment(event)

    def _comment(self, event: Event) -> None:
        words = f"{transcript.moment(event)} {safe.one_line(event.who)}: {transcript.what(event)}"
        if self.packets:
            last = self.packets[-1]
            self.packets[-1] = last._replace(comments=(*last.comments, words))
        else:
            self.unplaced.append(words)

    def _add(self, at_ns: int, data: bytes, comment: str = "") -> None:
        after = self.packets[-1].at_ns + _TICK_NS if self.packets else 0
        self.packets.append(Packet(max(at_ns, after), data, (comment,) if comment else ()))

    # TCP

    def _connect(self, event: Event, at_ns: int) -> None:
        by_program = not event.who.startswith("client")
        stream = self._opened("the server" if by_program else event.who, event)
        first, second = (stream.theirs, stream.ours) if by_program else (stream.ours, stream.theirs)
        words = f"{safe.one_line(event.who)} connects {safe.one_line(event.text)}".rstrip()
        self._tcp((first, second), at_ns, _SYN, comment=words)
        self._tcp((second, first), at_ns, _SYN | _ACK)
        self._tcp((first, second), at_ns, _ACK)

    def _opened(self, peer: str, event: Event | None = None) -> _Stream:
        """A new connection of that peer's, which takes the place of its last one."""
        self._count += 1
        named = _A_PORT.search(event.text) if event else None
        ours, theirs = (
            event.ends
            if event and len(event.ends) > 1
            else ((_LOCAL, _FIRST_PORT + self._count), (_LOCAL, int(named[1]) & 0xFFFF if named else _FIRST_PORT))
        )
        number = self._count * 1_000_000
        stream = _Stream(_Side(ours, number), _Side(theirs, number + 500_000))
        self._streams[peer] = stream
        return stream

    def _segments(self, event: Event, at_ns: int, *, outgoing: bool) -> None:
        stream = self._streams.get(event.who) or self._opened(event.who)
        sender, receiver = (stream.ours, stream.theirs) if outgoing else (stream.theirs, stream.ours)
        begin = sender.next
        pieces = _pieces(event)
        ends_at = pieces[-1][1] if event.text == WITH_ITS_FIN else None
        ended = False
        for number, (start, end) in enumerate(pieces):
            words = _words(event, number, len(pieces))
            at = round(event.times_ms[number] * 1e6) if number < len(event.times_ms) else at_ns
            for offset, data in _kept(event, start, end):
                sender.next = (begin + offset) % (1 << 32)
                ended = offset + len(data) == ends_at
                self._tcp((sender, receiver), at, _PSH | _ACK | (_FIN if ended else 0), data, words)
                self._tcp((receiver, sender), at, _ACK)
                words = ""
        sender.next = (begin + max(event.size_bytes, len(event.data)) + ended) % (1 << 32)
        sender.closed = sender.closed or ended

    def _end(self, event: Event, at_ns: int) -> None:
        stream = self._streams.get(event.who)
        outgoing, flags = _ENDS[event.kind]
        if stream is None or stream.is_reset:
            return
        sender, receiver = (stream.ours, stream.theirs) if outgoing else (stream.theirs, stream.ours)
        words = f"{safe.one_line(event.who)}: {transcript.what(event)}"
        if flags == _RST:
            stream.is_reset = True
            self._tcp((sender, receiver), at_ns, _RST | _ACK, comment=words)
        elif not sender.closed:
            sender.closed = True
            self._tcp((sender, receiver), at_ns, _FIN | _ACK, comment=words)
            self._tcp((receiver, sender), at_ns, _ACK)

    def _tcp(self, way: tuple[_Side, _Side], at_ns: int, flags: int, data: bytes = b"", comment: str = "") -> None:
        """One segment from the first side to the second."""
        sender, receiver = way
        acknowledged = receiver.next if flags & _ACK else 0
        ports = sender.address[1], receiver.address[1]
        header = struct.pack("!HHIIBBHHH", *ports, sender.next, acknowledged, 5 << 4, flags, _WINDOW, 0, 0)
        self._add(at_ns, _ip(sender.address, receiver.address, _TCP, header, data), comment)
        sender.next = (sender.next + len(data) + bool(flags & (_SYN | _FIN))) % (1 << 32)

    # UDP

    def _datagram(self, event: Event, at_ns: int) -> None:
        ours, theirs = event.ends
        sender, receiver = (ours, theirs) if event.kind is EventKind.SENT else (theirs, ours)
        data = event.data[:_SEGMENT_BYTES] if event.omitted_bytes else event.data
        cut = f", of which {event.omitted_bytes} are left out here" if event.omitted_bytes else ""
        header = struct.pack("!HHHH", sender[1], receiver[1], 8 + len(data), 0)
        words = (
            f"{safe.one_line(event.who)} {transcript.EVENTS[event.kind]} {text.plural(event.size_bytes, 'byte')}{cut}"
        )
        said = f" ({safe.one_line(event.text)})" if event.text else ""
        self._add(at_ns, _ip(sender, receiver, _UDP, header, data), f"{words}{said}")


#: Whether it is our side that ends the connection, and how.
_ENDS: Final[dict[EventKind, tuple[bool, int]]] = {
    EventKind.HALF_CLOSED: (True, _FIN),
    EventKind.CLOSED: (True, _FIN),
    EventKind.RESET: (True, _RST),
    EventKind.PEER_CLOSED: (False, _FIN),
    EventKind.PEER_RESET: (False, _RST),
}


def _pieces(event: Event) -> list[tuple[int, int]]:
    """Where each piece begins and ends; one that was sent whole is one piece."""
    size = max(event.size_bytes, len(event.data))
    return [*pairwise([0, *accumulate(event.pieces)])] if event.pieces else [(0, size)]


def _words(event: Event, number: int, count: int) -> str:
    """What a message's first packet, or a piece's, says."""
    who, said = safe.one_line(event.who), safe.one_line(event.text)
    if count > 1:
        gated = ", sent once the one before had been read" if number else ""
        return f"{who}: piece {number + 1} of {count}{gated}"
    left_out = f", {event.omitted_bytes} of them are left out here" if event.omitted_bytes else ""
    told = (
        f"{who} {transcript.EVENTS[event.kind]} {text.plural(max(event.size_bytes, len(event.data)), 'byte')}{left_out}"
    )
    return f"{told} ({said})" if said else told


def _kept(event: Event, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """What the transcript has of those bytes of the message, in segments, each with its place in the message."""
    head = event.data[: event.head_bytes] if event.omitted_bytes else event.data
    for place, data in ((0, head), (len(head) + event.omitted_bytes, event.data[len(head) :])):
        first, last = max(start, place), min(end, place + len(data))
        for at in range(first, last, _SEGMENT_BYTES):
            yield at, data[at - place : min(last, at + _SEGMENT_BYTES) - place]


# headers

_TCP, _UDP = 6, 17
#: Where the checksum is in each header.
_CHECKSUM_AT: Final = {_TCP: 16, _UDP: 6}


def _ip(sender: Address, receiver: Address, protocol: int, header: bytes, data: bytes) -> bytes:
    """An IP packet with that header and data, both checksums filled in."""
    source, target = (ipaddress.ip_address(address[0].partition("%")[0]) for address in (sender, receiver))
    size = len(header) + len(data)
    if source.version != target.version:
        source, target = (ipaddress.ip_address(_LOCAL),) * 2
    pseudo = source.packed + target.packed + struct.pack("!II", size, protocol)
    # Zero would mean that there is none (RFC 768).
    checksum = _checksum(pseudo + header + data) or 0xFFFF
    at = _CHECKSUM_AT[protocol]
    body = header[:at] + struct.pack("!H", checksum) + header[at + 2 :] + data
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, size, protocol, 64) + source.packed + target.packed + body
    front = struct.pack("!BBHHHBB", 0x45, 0, 20 + size, 0, 0x4000, 64, protocol)
    ends = source.packed + target.packed
    return front + struct.pack("!H", _checksum(front + b"\0\0" + ends)) + ends + body


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# the file


def pcapng(packets: Iterable[Packet], about: Sequence[str], application: str, start: datetime) -> bytes:
    """A file with one section and one interface, times in nanoseconds."""
    since_epoch_ns = round(start.timestamp() * 1e6) * 1_000
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    named = [(_COMMENT, _comment("\n".join(about))), (_USER_APPLICATION, application.encode())]
    interface = struct.pack("<HHI", _RAW_IP, 0, 0)
    options = [(_INTERFACE_NAME, b"lo"), (_RESOLUTION, b"\x09")]
    blocks = [_block(_SECTION, section, named), _block(_INTERFACE, interface, options)]
    for packet in packets:
        at = since_epoch_ns + packet.at_ns
        front = struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(packet.data), len(packet.data))
        comments = [(_COMMENT, _comment(words)) for words in packet.comments]
        blocks.append(_block(_PACKET, front + _padded(packet.data), comments))
    return b"".join(blocks)


def _comment(words: str) -> bytes:
    return safe.shortened(safe.visible(words), _COMMENT_CHARACTERS).encode()


def _block(kind: int, body: bytes, options: Sequence[tuple[int, bytes]]) -> bytes:
    told = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    whole = body + (told + struct.pack("<HH", 0, 0) if told else b"")
    size = struct.pack("<I", len(whole) + 12)
    return struct.pack("<I", kind) + size + whole + size


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
