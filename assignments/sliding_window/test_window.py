"""What only this receiver does: it keeps frames that come early, and answers with how much has come without a gap."""

from __future__ import annotations

import random

from frames import ACK, Frame, encoded
from protocol import FOLDER, file, files

from grader import ConnectUdp, Exchange, FaultError, Reason, Server, UdpClient, behaviour, fail

#: The widest window that a sender may have.
_WIDEST = 64
_HOW_MUCH = (
    "Answer each frame with the highest number up to which all have come: look at what you have kept whenever the next "
    "frame comes."
)


def _tell(client: UdpClient, frame: Frame, so_far: int) -> None:
    """Send a frame, and hear that everything up to this number has come."""
    __tracebackhide__ = True
    client.ask(Exchange(encoded(frame), encoded(Frame(frame.transfer, so_far, ACK))))


def _must_have(server: Server, name: str, content: bytes) -> None:
    __tracebackhide__ = True
    if (stored := server.read_file(f"{FOLDER}/{name}")) != content:
        what = f"{name} has {len(stored)} bytes, and other ones than the {len(content)} that were sent"
        fail(Reason.NOT_WRITTEN, what, expected=content, received=stored)


@behaviour(
    does="DATA 2 and 3 before DATA 1, and DATA 6 and 5 before DATA 4",
    proves="each answer has come before the next frame is sent; the file is read when END was acknowledged",
    catches="early frames dropped, or written where they don't belong; an ACK of each frame by itself",
    hint=_HOW_MUCH,
)
def test_keeps_early_frames(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Keeps frames that come early"""
    sent = file(5500, rng)
    with connect_udp() as client:
        for number, so_far in ((0, 0), (2, 0), (3, 0), (1, 3), (6, 3), (5, 3), (4, 6), (7, 7)):
            _tell(client, sent.frames[number], so_far)
        _must_have(server, sent.name, sent.content)


@behaviour(
    does="a file whose frames come again: immediately, after others, and while they are kept because they came early",
    proves="each answer has come before the next frame is sent; the file is read when END was acknowledged",
    catches="an old frame answered with its own number, or not at all; a copy that is written again",
    hint=_HOW_MUCH,
)
def test_acknowledges_all_so_far(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Answers a repeated frame with how much has come"""
    sent = file(4500, rng)
    order = (0, 0, 1, 1, 2, 1, 0, 4, 4, 3, 3, 4, 5, 6)
    with connect_udp() as client:
        for number, so_far in zip(order, (0, 0, 1, 1, 2, 2, 2, 2, 2, 4, 4, 4, 5, 6), strict=True):
            _tell(client, sent.frames[number], so_far)
        _must_have(server, sent.name, sent.content)


@behaviour(
    does="END once more when the file is complete, also after another transfer; then all other frames of it",
    proves="the first END was acknowledged",
    catches="a transfer that is forgotten when END has come, a file that is emptied by a late START",
    hint="The ACK of END may get lost like any other. Remember that the transfer is complete, and answer its frames "
    "with the number of END.",
)
def test_end_comes_again(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Acknowledges END again when the file is complete"""
    first, other = files(2, 2000, rng)
    last = len(first.frames) - 1
    with connect_udp() as client, connect_udp() as another:
        for frame in first.frames:
            _tell(client, frame, frame.number)
        _tell(client, first.frames[-1], last)
        for frame in other.frames:
            _tell(another, frame, frame.number)
        start, *data, end = first.frames
        for frame in (end, start, end, *data):
            _tell(client, frame, last)
        _must_have(server, first.name, first.content)


@behaviour(
    does="END comes before the last two DATA frames",
    proves="each answer has come before the next frame is sent",
    catches="a file that is complete as soon as END comes, an END that is dropped because it is early",
    hint="END is the last frame by its number: keep it like any other until those before it are here.",
)
def test_end_comes_early(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Is not finished before all frames before END have come"""
    sent = file(2500, rng)
    with connect_udp() as client:
        for number, so_far in ((0, 0), (1, 1), (4, 1)):
            _tell(client, sent.frames[number], so_far)
        if _exists(server, f"{FOLDER}/{sent.name}"):
            fail(Reason.NOT_WRITTEN, f"{sent.name} is there, although DATA 2 and 3 have not come")
        for number, so_far in ((3, 1), (2, 4)):
            _tell(client, sent.frames[number], so_far)
        _must_have(server, sent.name, sent.content)


def _exists(server: Server, path: str) -> bool:
    try:
        server.read_file(path)
    except FaultError:
        return False
    return True


@behaviour(
    does=f"DATA 2 to {_WIDEST} before DATA 1",
    proves="each answer has come before the next frame is sent",
    catches="room for a few frames only",
    hint="A dictionary of frames by their numbers has room for all of them.",
)
def test_keeps_64_frames(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Keeps as many frames as the widest window has"""
    sent = file(_WIDEST * 1024, rng)
    with connect_udp() as client:
        _tell(client, sent.frames[0], 0)
        for frame in reversed(sent.frames[2 : _WIDEST + 1]):
            _tell(client, frame, 0)
        _tell(client, sent.frames[1], _WIDEST)
        _tell(client, sent.frames[-1], _WIDEST + 1)
        _must_have(server, sent.name, sent.content)
