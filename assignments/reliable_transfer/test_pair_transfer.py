"""The sender sends files to the receiver, over a good network and over a bad one."""

from __future__ import annotations

import random

from frames import File, told
from protocol import FOLDER, file, sending

from grader import Fate, Network, Reason, Server, Stage, UdpClients, behaviour, fail, fates

_LOST, _TWICE, _CHANGED, _LATE = Fate.LOST, Fate.TWICE, Fate.CHANGED, Fate.LATE


def _must_have(server: Server, sent: File) -> None:
    __tracebackhide__ = True
    if (stored := server.read_file(f"{FOLDER}/{sent.name}")) != sent.content:
        what = f"{sent.name} has {len(stored)} bytes, and other ones than the {len(sent.content)} that were sent"
        fail(Reason.NOT_WRITTEN, what, expected=sent.content, received=stored)


@behaviour(
    does="your sender sends a file of 20 frames to your receiver",
    proves="the sender has exited; the file is read then",
    catches="two programs that each work in their own way, but not with each other",
    hint="Compare what the sender sends with what the receiver takes for a frame.",
)
def test_transfers_together(udp_clients: UdpClients, stage: Stage, rng: random.Random) -> None:
    """The sender and the receiver work together"""
    sent = file(20_000, rng)
    server = stage.launch(udp_clients.manner.own_port)
    udp_clients.play_with(server.address, sending(sent))
    _must_have(server, sent)


@behaviour(
    does="your sender sends a file to your receiver over a network that loses, doubles, damages and delays frames and "
    "ACKs; the report says which",
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
    server = stage.launch()
    udp_clients.play_through(Network(trouble, told), server, sending(sent))
    _must_have(server, sent)
