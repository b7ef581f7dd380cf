"""What only a sender with a window does: several frames are on their way, and one ACK may stand for all of them."""

from __future__ import annotations

import random

from frames import told
from protocol import file, sending
from window import OurReceiver

from grader import Fate, Network, Reason, Script, UdpClients, behaviour, fail, fates

_LOST, _TWICE, _CHANGED, _LATE = Fate.LOST, Fate.TWICE, Fate.CHANGED, Fate.LATE
_PEACE = fates()
#: START, eleven frames of 1024 bytes, one of 500, and END.
_SIZE_BYTES = 11 * 1024 + 500
_SMALL, _LARGE = 4, 9
_ALL_UP_TO_IT = (
    "ACK n says that all frames up to n have come: take all of them from those that are on their way, and send as many "
    "new ones."
)
_ONE_TIMER = (
    "Start the half second anew whenever an ACK tells something new, and only then. When it is over, send the oldest "
    "frame again that is not acknowledged; nothing else is a reason to."
)


def _send(clients: UdpClients, receiver: OurReceiver, script: Script = _PEACE) -> None:
    """The whole file arrives."""
    __tracebackhide__ = True
    clients.play_through(Network(script, told), receiver, sending(receiver.sent, window=receiver.window))
    if not receiver.is_complete:
        fail(Reason.NO_REQUEST, "it has exited as if all had arrived, but not all frames of the file have")


@behaviour(
    does=f"START is acknowledged, and then nothing until a frame comes again; with windows of {_SMALL} and {_LARGE} "
    "frames",
    proves="all frames before the one that came again have arrived; it came a quarter of a second later or more",
    catches="one frame at a time, a window that is too large or too small by one, the whole file together",
    hint="Keep the frames that are not acknowledged, and send the next one as long as there are fewer than WINDOW.",
)
def test_fills_its_window(udp_clients: UdpClients, rng: random.Random) -> None:
    """Has as many frames on their way as its window allows"""
    for window in (_SMALL, _LARGE):
        receiver = OurReceiver(
            file(_SIZE_BYTES, rng), window, lambda it: it.here == 1 or bool(it.again), one_by_one=True
        )
        _send(udp_clients, receiver)
        if receiver.most_in_flight < window:
            what = f"it has sent {receiver.most_in_flight} frames, and then waited, with a window of {window}"
            fail(Reason.NO_REQUEST, what)


@behaviour(
    does=f"every third frame is acknowledged, with a window of {_SMALL}",
    proves="the frames before it have arrived; the ACK was sent a quarter of a second before anything comes again",
    catches="an ACK that counts for its own frame only, a window that moves by one",
    hint=_ALL_UP_TO_IT,
)
def test_window_slides(udp_clients: UdpClients, rng: random.Random) -> None:
    """Takes an ACK for all frames up to its number"""
    receiver = OurReceiver(file(_SIZE_BYTES, rng), _SMALL, lambda it: it.here % 3 == 1 or it.is_complete)
    _send(udp_clients, receiver)


@behaviour(
    does="the ACKs of the first frames are lost, and the one after them arrives; that happens twice",
    proves="every ACK goes through our hands",
    catches="frames sent again although a later ACK has told that they are here",
    hint=_ALL_UP_TO_IT,
)
def test_lost_acks(udp_clients: UdpClients, rng: random.Random) -> None:
    """Does without an ACK when a later one comes"""
    lost = dict.fromkeys((1, 2, 3, 6, 7), _LOST)
    _send(udp_clients, OurReceiver(file(_SIZE_BYTES, rng), _LARGE), fates(to_client=lost))


@behaviour(
    does=f"DATA 3 is lost, and later two frames in a row, with a window of {_LARGE}; the frames after them arrive, and "
    "each is answered with the same ACK as before",
    proves="every frame goes through our hands; what comes again came a quarter of a second after the last new ACK or "
    "later",
    catches="an ACK that comes again taken for a reason to send, or for a new one; only the newest frame is sent again",
    hint=_ONE_TIMER,
)
def test_lost_in_the_window(udp_clients: UdpClients, rng: random.Random) -> None:
    """Sends the oldest frame again when it is time"""
    lost = dict.fromkeys((3, 8, 9), _LOST)
    _send(udp_clients, OurReceiver(file(_SIZE_BYTES, rng), _LARGE), fates(to_server=lost))


@behaviour(
    does="a file of 40 frames goes to our receiver over a network that loses, doubles, damages and delays frames and "
    "ACKs; the report says which",
    proves="everything goes through our hands",
    catches="a window that works as long as nothing goes wrong",
    hint=_ONE_TIMER,
)
def test_sends_through_trouble(udp_clients: UdpClients, rng: random.Random) -> None:
    """Sends its file over a bad network"""
    trouble = fates(
        to_server={0: _LOST, 2: _LOST, 3: _LATE, 6: _TWICE, 9: _CHANGED, 15: _LATE, 16: _LATE, 22: (_LOST, _LOST)},
        to_client={1: _LATE, 4: _CHANGED, 5: _TWICE, 8: _LOST, 9: _LOST, 14: _LATE, 20: _CHANGED},
    )
    _send(udp_clients, OurReceiver(file(39 * 1024, rng), _LARGE, in_peace=False), trouble)
