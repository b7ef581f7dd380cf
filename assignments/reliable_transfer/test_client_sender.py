"""What only this sender does: it sends again by its own timer, and takes nothing for an ACK that is none."""

from __future__ import annotations

import random

from frames import ACK, PAYLOAD_BYTES, File, Frame, ack, damaged, encoded
from protocol import bit_of_each_part, file, sending, sending_in_noise, sending_noted

from grader import Answer, Reason, UdpClients, Visit, behaviour, fail

_NOW, _LOST, _TWICE, _LATE = Answer.WHOLE, Answer.NOTHING, Answer.TWICE, Answer.BEFORE_THE_NEXT
#: Nothing, and what fills frames exactly, or does not quite.
_SIZES = (0, PAYLOAD_BYTES - 1, PAYLOAD_BYTES, PAYLOAD_BYTES + 1, 3 * PAYLOAD_BYTES)
_WHEN_IT_IS_UP = "compute when its time is up, and receive until then"
_IT_IS_THE_ACK = (
    "A datagram is the ACK if its checksum is right, its kind is ACK, and transfer and number are those of the frame: "
    f"look at all of them, and go on waiting if it is something else: {_WHEN_IT_IS_UP}."
)


@behaviour(
    does=f"files of {', '.join(map(str, _SIZES[:-1]))} and {_SIZES[-1]} bytes, and one of 130 KiB with large sums",
    proves="everything that it has sent until it exited has arrived here; one of the sums still has more than 16 bits "
    "when what is above them was added once",
    catches="an empty DATA frame at the end, an empty file that is not sent, a last frame that is filled up, what is "
    "above 16 bits of a sum added once only",
    hint="Read 1024 bytes at a time, until nothing comes; an empty file is START and END. If only a checksum is wrong: "
    "add what is above 16 bits to the others in a loop, until there is nothing.",
)
def test_files_of_any_size(udp_clients: UdpClients, rng: random.Random) -> None:
    """Sends files of any size"""
    for size_bytes in _SIZES:
        udp_clients.play(sending(file(size_bytes, rng)))
    udp_clients.play(sending(File.large_sums(rng)))


@behaviour(
    does="the same file is sent twice",
    proves="both STARTs have arrived here",
    catches="a transfer number that is always the same",
    hint="Choose the number at random when the program starts{Python:  (random.getrandbits(32))}{C:  (getrandom)}"
    "{Java:  (new Random().nextInt())}.",
)
def test_new_number(udp_clients: UdpClients, rng: random.Random) -> None:
    """Chooses a new number for each transfer"""
    numbers: list[int] = []
    sent = file(10, rng)
    for _ in range(2):
        udp_clients.play(sending_noted(sent, numbers))
    if numbers[0] == numbers[-1]:
        fail(Reason.WRONG_REQUEST, f"two transfers, one after the other, had the same number, {numbers[0]}")


@behaviour(
    does="it is given a file that is not there",
    proves="the program has exited; nothing has arrived here",
    catches="a traceback, exit status 0, a START for a file that can't be sent",
    hint="Open the file before you send anything, and say on stderr what went wrong.",
)
def test_missing_file(udp_clients: UdpClients) -> None:
    """Reports a file that can't be read"""
    udp_clients.play(Visit((), fill={"file": "there/is/no.bin"}, status=None))


@behaviour(
    does="the first START is not answered, nor are two copies of a DATA frame",
    proves="each frame has arrived here, with the kernel's time stamp; a repeated one came at least a quarter of a "
    "second after the one before it",
    catches="waiting without a timeout, sending again too early, the next frame although the last one was lost, an "
    "exception that ends the program",
    hint="Set a timeout of half a second{Python:  (settimeout)}{C:  (SO_RCVTIMEO, poll)}{Java:  (setSoTimeout)}; when "
    "it runs out, send the same frame again.",
)
def test_lost_frames(udp_clients: UdpClients, rng: random.Random) -> None:
    """Sends a frame again when no ACK comes"""
    udp_clients.play(sending(file(2500, rng), {0: (_LOST, _NOW), 2: (_LOST, _LOST, _NOW)}))


@behaviour(
    does="the first copy of each of five frames is not answered, nor is the second one of DATA 2",
    proves="each frame has arrived here, with the kernel's time stamp",
    catches="tries that are counted over all frames, so that a long file never arrives",
    hint="Begin to count anew with each frame.",
)
def test_counts_tries_of_each_frame(udp_clients: UdpClients, rng: random.Random) -> None:
    """Has five tries for each frame"""
    sent = file(2500, rng)
    once: dict[int, tuple[Answer, ...]] = dict.fromkeys(range(len(sent.frames)), (_LOST, _NOW))
    udp_clients.play(sending(sent, {**once, 2: (_LOST, _LOST, _NOW)}))


@behaviour(
    does="the ACK of DATA 1 comes twice, and the first ACK of DATA 2 is lost; the ACK of DATA 3 is late, so that it "
    "comes twice, too, when DATA 3 has been sent again",
    proves="both copies have arrived at its socket before the next frame is answered",
    catches="whatever comes is taken for the ACK of the last frame; an ACK that has come before makes it send the "
    "frame again",
    hint=_IT_IS_THE_ACK,
)
def test_repeated_acks(udp_clients: UdpClients, rng: random.Random) -> None:
    """Takes an old ACK for nothing"""
    udp_clients.play(sending(file(4500, rng), {1: (_TWICE,), 2: (_LOST, _NOW), 3: (_LATE, _NOW), 4: (_LOST, _NOW)}))


@behaviour(
    does="each ACK comes damaged at first: with a wrong checksum, a changed number, or cut short",
    proves="it has arrived at its socket; the frame came again at least a quarter of a second after the first",
    catches="a checksum that is not compared; an exception where a short datagram is taken apart",
    hint=_IT_IS_THE_ACK,
)
def test_damaged_acks(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores damaged ACKs"""

    def noise(frame: Frame) -> tuple[bytes, ...]:
        right, other = ack(frame), ack(frame._replace(number=frame.number ^ 1))
        return damaged(right, bit_of_each_part(len(right) + 1, rng)[3]), damaged(other, 63), right[:7]

    udp_clients.play(sending_in_noise(file(500, rng), noise))


@behaviour(
    does="before each ACK come an empty datagram, words, ACKs of the frame before and of the next one, one of another "
    "transfer, and the frame itself",
    proves="they have arrived at its socket; the frame came again at least a quarter of a second after the first",
    catches="anything from the server taken for the ACK; the transfer's number or the kind not looked at",
    hint=_IT_IS_THE_ACK,
)
def test_other_answers(udp_clients: UdpClients, rng: random.Random) -> None:
    """Ignores what is not the ACK of its frame"""

    def noise(frame: Frame) -> tuple[bytes, ...]:
        return (
            b"",
            b"ACK",
            encoded(Frame(frame.transfer, (frame.number - 1) % (1 << 32), ACK)),
            encoded(Frame(frame.transfer, frame.number + 1, ACK)),
            encoded(Frame(frame.transfer ^ 1 << 31, frame.number, ACK)),
            encoded(frame),
        )

    udp_clients.play(sending_in_noise(file(500, rng), noise))
