"""The capture of a check: a reader of its own, and tshark where there is one, see what is in the transcript."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model import WITH_ITS_FIN, Event, EventKind
from grader.report import pcap
from tests.report.examples import FRAGMENTS, FULL, events_strategy

FIN, SYN, RST, ACK = 1, 2, 4, 16
OURS, THEIRS = ("127.0.0.1", 40_001), ("127.0.0.1", 12_000)
SERVED = (
    Event(at_ms=0.5, kind=EventKind.STARTED, who="program", text="./server 12000"),
    Event(at_ms=1.0, kind=EventKind.CONNECTED, who="client A", text="to port 12000", ends=(OURS, THEIRS)),
    Event(
        at_ms=2.0,
        kind=EventKind.SENT,
        who="client A",
        data=b"hello\n",
        size_bytes=6,
        pieces=(2, 4),
        times_ms=(2.0, 3.5),
    ),
    Event(at_ms=4.0, kind=EventKind.RECEIVED, who="client A", data=b"HE", size_bytes=2),
    Event(at_ms=4.5, kind=EventKind.VERDICT, who="grader", text="It replied early."),
    Event(at_ms=5.0, kind=EventKind.PEER_CLOSED, who="client A"),
    Event(at_ms=6.0, kind=EventKind.RESET, who="client A"),
)


class Read(NamedTuple):
    """A packet as it is in the file."""

    at_ns: int
    protocol: int
    ports: tuple[int, int]
    sequence: int
    flags: int
    data: bytes
    comments: tuple[str, ...]


def rendered(*events: Event) -> bytes:
    return pcap.render(FULL, msgspec.structs.replace(FRAGMENTS, evidence=events))


def blocks(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        kind, size = struct.unpack_from("<II", content)
        assert struct.unpack_from("<I", content, size - 4) == (size,)
        yield kind, content[8 : size - 4]
        content = content[size:]


def options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        code, size = struct.unpack_from("<HH", data)
        if not code:
            assert data == bytes(4)
            return
        yield code, data[4 : 4 + size]
        data = data[4 + size + -size % 4 :]


def packets(content: bytes) -> list[Read]:
    first, interface, *others = blocks(content)
    assert (first[0], first[1][:4], interface[0]) == (0x0A0D0D0A, b"\x4d\x3c\x2b\x1a", 1)
    return [read(body) for kind, body in others if kind == 6]


def read(body: bytes) -> Read:
    _, high, low, size, whole = struct.unpack_from("<IIIII", body)
    assert size == whole
    packet = body[20 : 20 + size]
    comments = tuple(value.decode() for code, value in options(body[20 + size + -size % 4 :]) if code == 1)
    if packet[0] >> 4 == 4:
        assert struct.unpack_from("!H", packet, 2) == (size,)
        assert total(packet[:20]) == 0xFFFF
        protocol, ends, segment = packet[9], packet[12:20], packet[20:]
    else:
        protocol, ends, segment = packet[6], packet[8:40], packet[40:]
    assert total(ends + struct.pack("!II", len(segment), protocol) + segment) == 0xFFFF
    source, target, sequence, _, offset, flags = struct.unpack_from("!HHIIBB", segment + bytes(12))
    at_ns = (high << 32 | low) - round(FULL.started.timestamp()) * 10**9
    if protocol == 17:
        return Read(at_ns, protocol, (source, target), 0, 0, segment[8:], comments)
    return Read(at_ns, protocol, (source, target), sequence, flags, segment[offset >> 4 << 2 :], comments)


def total(data: bytes) -> int:
    """The sum with the checksum in it, which must be all ones (RFC 1071)."""
    words: tuple[int, ...] = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    value = sum(words)
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value


def test_pieces_are_segments_with_their_times_ports_and_flags() -> None:
    out, back = (40_001, 12_000), (12_000, 40_001)
    assert [(one.at_ns // 1000, one.ports, one.flags & ~8, one.data) for one in packets(rendered(*SERVED))] == [
        (1000, out, SYN, b""),
        (1001, back, SYN | ACK, b""),
        (1002, out, ACK, b""),
        (2000, out, ACK, b"he"),
        (2001, back, ACK, b""),
        (3500, out, ACK, b"llo\n"),
        (3501, back, ACK, b""),
        (4000, back, ACK, b"HE"),
        (4001, out, ACK, b""),
        (5000, back, FIN | ACK, b""),
        (5001, out, ACK, b""),
        (6000, out, RST | ACK, b""),
    ]


def test_a_fin_that_went_with_the_last_bytes_is_in_their_segment() -> None:
    connected, sent, *_ = SERVED[1:]
    sent = msgspec.structs.replace(sent, text=WITH_ITS_FIN)
    half_closed = Event(at_ms=3.6, kind=EventKind.HALF_CLOSED, who="client A")
    received = Event(at_ms=4.0, kind=EventKind.RECEIVED, who="client A", data=b"HE", size_bytes=2)
    read = packets(rendered(connected, sent, half_closed, received))
    assert [(one.data, one.flags & FIN) for one in read if one.data or one.flags & FIN] == [
        (b"he", 0),
        (b"llo\n", FIN),
        (b"HE", 0),
    ]


def test_sequence_numbers_count_bytes_and_the_ends() -> None:
    by_port: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in packets(rendered(*SERVED)):
        by_port[one.ports[0]].append((one.sequence, len(one.data) + bool(one.flags & (SYN | FIN))))
    for sent in by_port.values():
        assert all(number + size == after for (number, size), (after, _) in pairwise(sent))


def test_what_else_happened_is_a_comment() -> None:
    content = rendered(*SERVED)
    said = [words for one in packets(content) for words in one.comments]
    assert "+4.50 ms grader: verdict: It replied early." in said
    assert "client A: piece 2 of 2, sent once the one before had been read" in said
    assert b"+0.50 ms program: started: ./server 12000" in content


def test_datagrams_have_their_ports_whoever_sent_them() -> None:
    stranger = ("127.0.0.1", 50_000)
    read_back = packets(
        rendered(
            Event(at_ms=1, kind=EventKind.SENT, who="client A", data=b"ask", size_bytes=3, ends=(OURS, THEIRS)),
            Event(at_ms=2, kind=EventKind.RECEIVED, who="client A", data=b"OK", size_bytes=2, ends=(OURS, stranger)),
            Event(at_ms=3, kind=EventKind.SENT, who="client A", ends=(("::1", 5), ("::1", 6))),
        )
    )
    assert [(one.protocol, one.ports, one.data) for one in read_back] == [
        (17, (40_001, 12_000), b"ask"),
        (17, (50_000, 40_001), b"OK"),
        (17, (5, 6), b""),
    ]


def test_what_the_transcript_left_out_is_a_gap_in_the_sequence_numbers() -> None:
    long = Event(
        at_ms=2,
        kind=EventKind.SENT,
        who="client A",
        data=b"headtail",
        size_bytes=1000,
        omitted_bytes=992,
        head_bytes=4,
    )
    with_data = [one for one in packets(rendered(SERVED[1], long)) if one.data]
    assert [one.data for one in with_data] == [b"head", b"tail"]
    assert with_data[1].sequence - with_data[0].sequence == 996
    assert "992 of them are left out here" in with_data[0].comments[0]


def test_its_name_is_the_checks_and_leads_nowhere() -> None:
    check = msgspec.structs.replace(FRAGMENTS, id="../server/x\n")
    assert pcap.file_name(FRAGMENTS) == "server.fragments_every_split.pcapng"
    assert pcap.file_name(check) == ".._server_x_.pcapng"


@given(events=st.lists(events_strategy, max_size=12))
def test_any_transcript_makes_a_capture_that_can_be_read(events: list[Event]) -> None:
    times = [one.at_ns for one in packets(rendered(*events))]
    assert times == sorted(times)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="there is no tshark here")
def test_tshark_reads_the_same_and_finds_nothing_odd(tmp_path: Path) -> None:
    file = tmp_path / "check.pcapng"
    file.write_bytes(rendered(*SERVED[:-1], Event(at_ms=6, kind=EventKind.CLOSED, who="client A")))
    asked = ["tcp.len", "tcp.flags.str", "tcp.analysis.flags", "tcp.checksum.status", "ip.checksum.status"]
    command = [
        "tshark",
        "-r",
        str(file),
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
        "-T",
        "fields",
    ]
    command += [word for name in asked for word in ("-e", name)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    assert [row[0] for row in rows] == ["0", "0", "0", "2", "0", "4", "0", "2", "0", "0", "0", "0", "0"]
    assert {(row[2], row[3], row[4]) for row in rows} == {("", "1", "1")}
    assert [row[1].strip("·") for row in rows[:4]] == ["S", "A··S", "A", "AP"]
