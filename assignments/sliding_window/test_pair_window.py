"""The sender sends a file to the receiver with several frames on their way, over a bad network."""

from __future__ import annotations

import random

from frames import exchanged, told
from protocol import FOLDER, file, sending

from grader import Fate, Network, Reason, Stage, UdpClients, behaviour, fail, fates

_LOST, _TWICE, _CHANGED, _LATE = Fate.LOST, Fate.TWICE, Fate.CHANGED, Fate.LATE
_WINDOW = 8


@behaviour(
    does=f"your sender sends a file of 30 frames to your receiver, with a window of {_WINDOW}, over a network that "
    "loses, doubles, damages and delays frames and ACKs; the report says which; on its way each 1024 bytes of the file "
    "become others, with the right checksum, so that only what comes through the network can be in the file that is "
    "stored",
    proves="everything goes through our hands; the sender has exited; the file is read then",
    catches="windows that work as long as nothing goes wrong, or not with each other",
    hint="See above what became of each frame and ACK, and what your programs did then. The checks of each program "
    "alone try one kind of trouble at a time.",
)
def test_windows_over_a_bad_network(udp_clients: UdpClients, stage: Stage, rng: random.Random) -> None:
    """A file arrives whole over a bad network"""
    sent = file(30_000, rng)
    trouble = fates(
        to_server={0: _LOST, 2: _LATE, 5: _LOST, 6: _TWICE, 10: _CHANGED, 14: _LATE, 15: _LATE, 20: (_LOST, _LOST)},
        to_client={1: _LOST, 2: _LATE, 4: _TWICE, 6: _CHANGED, 9: _LOST},
    )
    server, arriving = stage.launch(), file(len(sent.content), rng)
    network = Network(trouble, told, exchanged(sent, arriving))
    udp_clients.play_through(network, server, sending(sent, window=_WINDOW))
    if (stored := server.read_file(f"{FOLDER}/{sent.name}")) != arriving.content:
        what = f"{sent.name} has {len(stored)} bytes, and other ones than the {len(arriving.content)} that the receiver"
        fail(Reason.NOT_WRITTEN, f"{what} was sent", expected=arriving.content, received=stored)
