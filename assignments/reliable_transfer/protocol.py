"""What a receiver answers, and what a sender sends when its frames or their ACKs get lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from frames import ACK, DATA, END, START, File, Frame, ack, decoded, encoded, folds_twice, told
from msgspec.structs import replace

from grader import Answer, Exchange, Reply, Turn, Values, Visit, judged, not_utf8, random_blanks, random_letters

#: The longest frame: its header and 1024 bytes.
LARGEST_BYTES = 1036
#: A frame in words, for reports; of what is none, why.
describe = told
#: Where the receiver is told to put its files, in the folder that it runs in.
FOLDER = "received"

#: How each copy of a frame is answered, by the frame's number.
Plan = Mapping[int, tuple[Answer, ...]]


# the receiver


def exchange(number: int, rng: random.Random) -> Exchange:
    """The beginning of a transfer."""
    name = b"%d-%b.bin" % (number, random_letters(rng, (6, 10, 7)[number % 3]))
    frame = Frame(rng.getrandbits(32), 0, START, name)
    while folds_twice(frame):
        frame = frame._replace(transfer=rng.getrandbits(32))
    return Exchange(encoded(frame), ack(frame))


def file(size_bytes: int, rng: random.Random) -> File:
    """A file to be sent."""
    return File.drawn(size_bytes, rng)


def files(count: int, size_bytes: int, rng: random.Random) -> tuple[File, ...]:
    """Several of about this size, each shorter than the one before it."""
    return tuple(File.drawn(size_bytes - 100 * number, rng) for number in range(count))


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """What is no frame, or none of a transfer that has begun."""
    transfer, text = rng.getrandbits(32), random_letters(rng, 20)
    start = encoded(Frame(transfer, 0, START, b"never.bin"))
    return (
        b"",
        b"hello, " + text + not_utf8(rng),
        start[:11],
        b"\0" * 12,
        random_blanks(rng),
        encoded(Frame(transfer, 0, ACK)),
        encoded(Frame(transfer, 0, 0, b"never.bin")),
        encoded(Frame(transfer, 0, 5, b"never.bin")),
        encoded(Frame(transfer, 1, DATA, text)),
        encoded(Frame(transfer, 1, END)),
    )


def names_that_lead_out(rng: random.Random) -> tuple[bytes, ...]:
    """Names that no file may have; the first ones lead out of the folder."""
    name = random_letters(rng, 8)
    return (
        b"../" + name,
        b"/tmp/" + name,
        b"..",
        b"",
        name + b"\0.bin",
        name * 13,
    )


def bit_of_each_part(size_bytes: int, rng: random.Random) -> tuple[int, ...]:
    """Places of one bit in each part of a frame of this size: transfer, number, kind, checksum and payload."""
    parts = ((0, 4), (4, 8), (8, 10), (10, 12), (12, size_bytes))
    return tuple(rng.randrange(8 * start, 8 * end) for start, end in parts)


# the sender


def visit(number: int, rng: random.Random) -> Visit:
    """A file of some frames, of one byte, which lies in a folder, or of two full frames."""
    return sending(file((2500, 1, 2048)[number % 3], rng), folder=("", "files/of/mine/", "")[number % 3])


def sending(sent: File, plan: Plan | None = None, folder: str = "", window: int = 1) -> Visit:
    """The sender sends this file, which lies in this folder, and its frames are answered by a plan.

    `window`: how many frames a sender with a window may have on their way; one that stops and waits has one.
    """
    how = plan or {}
    turns = [_turn(sent, each, answer) for each in range(len(sent.frames)) for answer in how.get(each, (Answer.WHOLE,))]
    return _visit(sent, tuple(turns), folder, window)


def sending_in_noise(sent: File, noise: Callable[[Frame], tuple[bytes, ...]]) -> Visit:
    """Each frame is answered by noise alone at first, and properly when it comes again."""
    turns: list[Turn] = []
    for number, turn in enumerate(sending(sent).turns):
        turns += [replace(turn, says=_noise(sent, number, noise), how=Answer.NOTHING), turn]
    return _visit(sent, tuple(turns))


def sending_noted(sent: File, numbers: list[int]) -> Visit:
    """The sender sends this file, and the number of its transfer is noted."""

    def says(seen: Values) -> bytes:
        numbers.append(seen["transfer"])
        answer: bytes = ack(_in_transfer(sent, 0, seen))
        return answer

    first, *others = sending(sent).turns
    return _visit(sent, (replace(first, says=says), *others))


def _visit(sent: File, turns: tuple[Turn, ...], folder: str = "", window: int = 1) -> Visit:
    path = f"{folder}{sent.name}"
    shown = b"sent %b, %d bytes" % (sent.name.encode(), len(sent.content))
    return Visit(turns, fill={"file": path, "window": f"{window}"}, files={path: sent.content}, shown=shown)


def _turn(sent: File, number: int, how: Answer) -> Turn:
    def hears(seen: Values) -> Reply:
        return frame_of(_in_transfer(sent, number, seen))

    def says(seen: Values) -> bytes:
        answer: bytes = ack(_in_transfer(sent, number, seen))
        return answer

    return Turn(hears if number else start_of(sent), says, how)


def _noise(
    sent: File, number: int, noise: Callable[[Frame], tuple[bytes, ...]]
) -> Callable[[Values], tuple[bytes, ...]]:
    """What comes instead of a frame's ACK, and behind it that, which does not come."""

    def says(seen: Values) -> tuple[bytes, ...]:
        frame = _in_transfer(sent, number, seen)
        return (*noise(frame), ack(frame))

    return says


def _in_transfer(sent: File, number: int, seen: Values) -> Frame:
    """A file's frame in the transfer that its START has begun."""
    return sent.sent_as(seen["transfer"]).frames[number]


def start_of(sent: File) -> Reply:
    """The START of this file, whatever the transfer's number is, which is captured."""

    def judge(data: bytes) -> str | Mapping[str, Any]:
        frame = decoded(data)
        if isinstance(frame, str):
            return frame
        wrong = _difference(frame, sent.sent_as(frame.transfer).frames[0])
        return wrong or {"transfer": frame.transfer}

    return judged(judge, f"START 0, with the name {sent.name}")


def frame_of(wanted: Frame) -> Reply:
    """Exactly this frame."""

    def judge(data: bytes) -> str | None:
        frame = decoded(data)
        return frame if isinstance(frame, str) else _difference(frame, wanted)

    return judged(judge, wanted.words)


def _difference(frame: Frame, wanted: Frame) -> str | None:
    """What is wrong with a frame, in words; None: nothing."""
    if frame == wanted:
        return None
    if frame[:3] != wanted[:3] or len(frame.payload) != len(wanted.payload):
        return f"it is {frame.words}"
    return "its payload has other bytes than the file"
