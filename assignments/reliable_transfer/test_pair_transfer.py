"""The sender sends files to the receiver, over a good network and over a bad one."""

from __future__ import annotations

import random

from frames import File, exchanged, told
from protocol import FOLDER, file, sending

from grader import Fate, Network, Reason, Script, Server, Stage, UdpClients, behaviour, fail, fates

_LOST, _TWICE, _CHANGED, _LATE = Fate.LOST, Fate.TWICE, Fate.CHANGED, Fate.LATE


_ONLY_THROUGH_IT = (
    "; on its way each 1024 bytes of the file become others, with the right checksum, so that only what comes through "
    "the network can be in the file that is stored"
)


def _must_arrive(udp_clients: UdpClients, server: Server, sent: File, rng: random.Random, script: Script) -> None:
    """The sender sends this file through a network, and the receiver stores what has come out of it."""
    __tracebackhide__ = True
    arriving = file(len(sent.content), rng)
    udp_clients.play_through(Network(script, told, exchanged(sent, arriving)), server, sending(sent))
    _must_have(server, sent.name, arriving.content)


def _must_have(server: Server, name: str, content: bytes) -> None:
    __tracebackhide__ = True
    if (stored := server.read_file(f"{FOLDER}/{name}")) != content:
        what = f"{name} has {len(stored)} bytes, and other ones than the {len(content)} that the receiver was sent"
        fail(Reason.NOT_WRITTEN, what, expected=content, received=stored)


@behaviour(
    does="your sender sends a file of 20 frames to your receiver" + _ONLY_THROUGH_IT,
    proves="the sender has exited; the file is read then",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what the sender sends with what the receiver takes for a frame.",
)
def test_transfers_together(udp_clients: UdpClients, stage: Stage, rng: random.Random) -> None:
    """The sender and the receiver work together"""
    sent = file(20_000, rng)
    own_port = udp_clients.manner.own_port
    server = stage.launch(own_port)
    if own_port is None:
        _must_arrive(udp_clients, server, sent, rng, fates())
    else:  # a sender that always uses that port can't be sent elsewhere
        udp_clients.play_with(server.address, sending(sent))
        _must_have(server, sent.name, sent.content)


@behaviour(
    does="your sender sends a file to your receiver over a network that loses, doubles, damages and delays frames and "
    "ACKs; the report says which" + _ONLY_THROUGH_IT,
    proves="everything goes through our hands; the sender has exited; the file is read then",
    catches="a transfer that works as long as nothing goes wrong",
    hint="See above what became of each frame and ACK, and what your programs did then. The checks of each program "
    "alone try one kind of trouble at a time.",
)
def test_bad_network(udp_clients: UdpClients, stage: Stage, rng: random.Random) -> None:
    """A file arrives whole over a bad network"""
    sent = file(9000, rng)
    trouble = fates(
        to_server={0: _LOST, 2: _TWICE, 4: _CHANGED, 6: _LATE, 9: _TWICE, 10: _LOST},
        to_client={1: _LOST, 3: _TWICE, 5: _LATE, 7: _CHANGED, 10: _LOST},
    )
    _must_arrive(udp_clients, stage.launch(), sent, rng, trouble)
