"""What only a name server does over TCP: the same answers, each with its length in front."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import pytest
from messages import Record, query
from protocol import ZONE, asking, judge_answer, words_for

from grader import Connect, ConnectUdp, Exchange, Launch, Server, Stage, behaviour, frame


@pytest.fixture
def connect(server: Server, connect: Connect) -> Connect:
    """Connects to a server that rests: it may have bound its UDP socket before it listened for TCP connections."""
    server.wait_rest()
    return connect


#: A name with as many addresses as a zone's file may have lines: an answer has 27 KB with pointers, and more than 40 KB
#: without, which as a number of 16 bits with a sign is negative.
_LARGE = [Record("large.example.test", "AAAA", f"2001:db8::{number:x}") for number in range(1, 981)]

#: The connection breaks after so many bytes of a query with its length: in the length, and in the query.
_CUTS = (0, 1, 2, 20)


def _over_tcp(asked: bytes, zone: Iterable[Record] = ZONE) -> Exchange:
    """A query and its answer, both with their length in front."""
    request = struct.pack("!H", len(asked)) + asked
    words = f"{words_for(asked)}, its length in front"
    return Exchange(request, frame("!H", judge=judge_answer(asked, zone), words=words))


@behaviour(
    does="queries over TCP, two on one connection; one of them has an answer that does not fit into a datagram; then "
    f"one to a server with a larger file, for a name with {len(_LARGE)} addresses",
    proves="nothing to prove",
    catches="no TCP at all, no length in front or one that counts itself, TC and a short answer over TCP too, a "
    "connection that takes one query only, a buffer of fixed size",
    hint="Listen for TCP connections at the same port. Over TCP two bytes with the message's length come before it, in "
    "both directions, and an answer may have up to 65535 bytes.",
)
def test_answers_over_tcp(server: Server, connect: Connect, launch: Launch, stage: Stage, rng: random.Random) -> None:
    """Answers over TCP, too"""
    with connect() as client:
        client.ask(_over_tcp(query("oak.example.test", "A", rng)))
        client.ask(_over_tcp(query("many.example.test", "A", rng)))
    lines = ["$ORIGIN example.test.", *(f"{one.name}. 3600 IN AAAA {one.data}" for one in _LARGE), ""]
    server.write_file("large.zone", "\n".join(lines).encode())
    other = launch(arguments=("{port}", "large.zone"))
    other.wait_rest()
    with stage.connect(other) as client:
        client.ask(_over_tcp(query(_LARGE[0].name, "AAAA", rng), _LARGE))


@behaviour(
    does="a query byte by byte; two queries together; a query and half of the next, and then the rest",
    proves="each piece is read before the next is sent; what is sent together arrives in one segment",
    catches="one recv taken for one query, the length taken for granted, what follows a query thrown away",
    hint="Read until you have two bytes, and then until you have as many as they say; keep what is more for the next.",
)
def test_tcp_in_pieces(connect: Connect, rng: random.Random) -> None:
    """Finds the queries in a stream of bytes"""
    names = ("oak", "hawthorn", "elm", "willow", "fir")
    first, *others = (_over_tcp(query(f"{name}.example.test", "A", rng)) for name in names)
    with connect() as client:
        client.send(first.request, pieces=1)
        client.expect(first.reply)
        for one, other, cut in ((others[0], others[1], None), (others[2], others[3], 20)):
            client.send_as_one_read(one.request + other.request[:cut])
            client.expect(one.reply)
            client.send(other.request[cut:] if cut else b"")
            client.expect(other.reply)


@behaviour(
    does="a client connects and says nothing, and another one sends half a query; then others ask over UDP and TCP, "
    "and the half query is completed",
    proves="the half query was read",
    catches="a server that waits for the one client that it has accepted, one that waits on TCP or on UDP alone",
    hint="Wait on all sockets together{Python:  (selectors)}{C:  (poll)}{Java:  (a thread for each)}, or give each "
    "connection, and UDP, a thread of its own.",
)
def test_tcp_clients_wait_for_nobody(connect: Connect, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Keeps nobody waiting for a client that is slow"""
    half = _over_tcp(query("elm.example.test", "A", rng))
    with connect(), connect() as slow:
        slow.send(half.request[:10])
        slow.wait_read()
        with connect_udp() as client:
            client.ask(asking("oak.example.test", "A", rng))
        with connect() as client:
            client.ask(_over_tcp(query("fir.example.test", "A", rng)))
        slow.send(half.request[10:])
        slow.expect(half.reply)


@behaviour(
    does="clients leave before, in and after the length of a query, some by a reset; then others ask over TCP and UDP",
    proves="nothing to prove",
    catches="an exception in one connection that ends the server, an endless loop at the end of a connection",
    hint="recv returns {Python: b''}{C: 0}{Java: -1} when the client has closed, and fails when it has reset the "
    "connection: either ends this connection, and nothing else.",
)
def test_tcp_clients_that_leave(server: Server, connect: Connect, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Survives clients that leave in the middle of a query"""
    whole = _over_tcp(query("oak.example.test", "A", rng)).request
    for cut in _CUTS:
        for leaves_by_reset in (False, True):
            with connect() as client:
                client.send(whole[:cut])
                if leaves_by_reset:
                    client.reset()
    server.wait_rest()
    with connect() as client, connect_udp() as other:
        client.ask(_over_tcp(query("elm.example.test", "A", rng)))
        other.ask(asking("elm.example.test", "A", rng))


@behaviour(
    does="Ctrl-C while a client is connected over TCP, which then closes its side; the same command again immediately",
    proves="the server has closed first, so the kernel holds its port for a minute (TIME_WAIT)",
    catches="a TCP port that can't be bound again for a minute",
    hint="Set SO_REUSEADDR on the socket that listens for TCP, before bind.",
)
def test_restarts_after_tcp(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Can be restarted immediately with a TCP client connected"""
    fresh_server.wait_rest()
    with stage.connect(fresh_server) as client:
        client.ask(_over_tcp(query("oak.example.test", "A", rng)))
        fresh_server.interrupt()
        client.expect_end()
    again = stage.launch_again(fresh_server)
    again.wait_rest()
    with stage.connect(again) as client:
        client.ask(_over_tcp(query("elm.example.test", "A", rng)))
