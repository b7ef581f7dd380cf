"""What only this receiver does: it puts files together from frames that come twice, too early or damaged.

A check that is about one transfer at a time has a server of its own: others leave transfers behind that never end, and
a receiver that can't have two of them at a time is to fail by that alone, in `several_transfers`.
"""

from __future__ import annotations

import random

from frames import PAYLOAD_BYTES, File, Frame, ack, damaged, decoded, encoded
from protocol import FOLDER, bit_of_each_part, exchange, file, files, garbage, names_that_lead_out

from grader import ConnectUdp, Exchange, FaultError, Reason, Server, Stage, UdpClient, behaviour, fail

#: Nothing, one byte, and about as much as one frame and two frames carry.
_SIZES = (0, 1, PAYLOAD_BYTES - 1, PAYLOAD_BYTES, PAYLOAD_BYTES + 1, 2 * PAYLOAD_BYTES, 5000)
_MANY_FILES = 40
#: A number of a transfer with which the sum of ACK 1 is 1ffff: added once, that is 10000.
_ACK_1_FOLDS_TWICE = 0xFFFF_FFFB
_NOT_NEXT = "acknowledge a frame only if it is the next one, or one that you have acknowledged before"
_LOOK_IT_UP = "Keep a dictionary of transfers, with the sender's address and the transfer's number as its key"


def _send(client: UdpClient, *frames: Frame) -> None:
    """Send frames one after the other, each when the one before was acknowledged."""
    __tracebackhide__ = True
    for frame in frames:
        client.ask(Exchange(encoded(frame), ack(frame)))


def _must_have(server: Server, name: str, content: bytes) -> None:
    """The file is in the folder, whole."""
    __tracebackhide__ = True
    if (stored := server.read_file(f"{FOLDER}/{name}")) != content:
        what = f"{name} has {len(stored)} bytes, and other ones than the {len(content)} that were sent"
        if len(stored) == len(content):
            what = f"{name} has as many bytes as were sent, but other ones"
        fail(Reason.NOT_WRITTEN, what, expected=content, received=stored)


def _exists(server: Server, path: str) -> bool:
    try:
        server.read_file(path)
    except FaultError:
        return False
    return True


def _must_ignore(client: UdpClient, datagram: bytes, why: str) -> None:
    """A datagram gets no answer, as far as can be seen when it was read; `_must_have_ignored` waits for a late one."""
    __tracebackhide__ = True
    client.send(datagram)
    frame = decoded(datagram)
    what = "what is no frame" if isinstance(frame, str) else frame.words
    client.expect_nothing_yet(Reason.EXTRA_REPLY, f"it answered {what}: {why}")


def _must_have_ignored(client: UdpClient) -> None:
    """What this client has sent since its last answer gets none, after a while either."""
    __tracebackhide__ = True
    client.expect_nothing(Reason.EXTRA_REPLY, "it answered what must be dropped, after a while")


@behaviour(
    does=f"files of {', '.join(map(str, _SIZES[:-1]))} and {_SIZES[-1]} bytes, frame by frame, with every byte value; "
    "then another file with the name of the last one",
    proves="the file is read when END was acknowledged",
    catches="a last frame that is lost or filled up, text instead of bytes, a file that is not closed, or that is "
    "appended to an older one",
    hint="Write the payload of each DATA frame as it is, and close the file before you acknowledge END{Python: : open "
    'it with "wb"}{C: : fopen with "wb", and fwrite with the length of the payload}.',
)
def test_stores_files(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Stores files of any size"""
    sent = [file(size_bytes, rng) for size_bytes in _SIZES]
    sent.append(file(1500, rng)._replace(name=sent[-1].name))
    for each in sent:
        # A sender of its own: that one may send several files is tried where several are on their way.
        with stage.connect_udp(fresh_server) as client:
            _send(client, *each.frames)
        _must_have(fresh_server, each.name, each.content)


@behaviour(
    does="a file whose frames all come twice; then each of its DATA frames once more, after the next one",
    proves="each copy has arrived; the file is read when END was acknowledged",
    catches="a copy that is written again, or not acknowledged; an old frame taken for a new one, because only the "
    "last bit of its number counts",
    hint="When an ACK is lost, the sender sends its frame again: acknowledge it again, or it will give up, but don't "
    "write it again. Compare its whole number with the next one that you expect.",
)
def test_repeated_frames(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Acknowledges a repeated frame again, and writes it once"""
    sent = file(3500, rng)
    start, *data, end = sent.frames
    with stage.connect_udp(fresh_server) as client:
        _send(client, start, start)
        for old, frame in zip([None, *data], data, strict=False):
            _send(client, frame, frame, *([old, frame] if old else []))
        _send(client, *data, start, end)
        _must_have(fresh_server, sent.name, sent.content)


@behaviour(
    does="END once more when the file is complete, also after other transfers; then all other frames of it",
    proves="the first END was acknowledged",
    catches="a transfer that is forgotten when END has come, a file that is emptied by a late START",
    hint="The ACK of END may get lost like any other. Remember that the transfer is complete, and acknowledge its "
    "frames again.",
)
def test_last_ack_lost(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Acknowledges END again when the file is complete"""
    first, other = files(2, 2000, rng)
    with stage.connect_udp(fresh_server) as client, stage.connect_udp(fresh_server) as another:
        _send(client, *first.frames, first.frames[-1])
        _send(another, *other.frames)
        start, *data, end = first.frames
        _send(client, end, start, end, *data, end)
        _must_have(fresh_server, first.name, first.content)


@behaviour(
    does="DATA 2 before DATA 1, END before the last DATA, and a frame far ahead; then the right ones",
    proves="each has arrived, and the program rests before the next; at the end it is still, or had the time "
    "allowed for an answer",
    catches="whatever comes is written, and acknowledged",
    hint=f"Frames that come too early are dropped: {_NOT_NEXT}.",
)
def test_early_frames(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Drops a frame whose turn has not come"""
    sent = file(2500, rng)
    start, *data, end = sent.frames
    with stage.connect_udp(fresh_server) as client:
        _send(client, start)
        _must_ignore(client, encoded(data[1]), "DATA 1 has not come")
        _send(client, data[0], data[1])
        _must_ignore(client, encoded(end), "DATA 3 has not come")
        _must_ignore(client, encoded(end._replace(number=1 << 16 | 3)), "its turn has not come")
        _must_have_ignored(client)
        _send(client, data[2], end)
        _must_have(fresh_server, sent.name, sent.content)


@behaviour(
    does="each frame of a file comes with one bit changed at first: in its transfer's number, its own number, its "
    "kind, its checksum or its payload; one comes cut short; then they come as they are; then a file with large sums",
    proves="each has arrived, and the program rests before the next; at the end it is still, or had the time "
    "allowed for an answer; one of the sums still has "
    "more than 16 bits when what is above them was added once",
    catches="a checksum that is not compared, or not over everything; what is above 16 bits added once only",
    hint="Compute the checksum of the whole frame, with 0 in its own place, and compare it with the one in the frame; "
    "if they differ, drop the frame. Add what is above 16 bits to the others in a loop, until there is nothing.",
)
def test_damaged_frames(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Drops damaged frames"""
    sent = file(2 * PAYLOAD_BYTES + 333, rng)
    with stage.connect_udp(fresh_server) as client:
        for frame in sent.frames:
            whole = encoded(frame)
            bits = bit_of_each_part(len(whole), rng) if frame.number == 1 else (8 * len(whole) - 1,)
            for bit in bits:
                _must_ignore(client, damaged(whole, bit), "one bit of it was changed")
            if frame.number == 2:
                # Without zeros at its end, which change no sum: with them it could be a frame of a shorter file.
                _must_ignore(client, whole.rstrip(b"\0")[:-1], "it was cut short")
                _must_have_ignored(client)
            _send(client, frame)
        _must_have(fresh_server, sent.name, sent.content)
    with stage.connect_udp(fresh_server) as client:
        _send(client, *File.large_sums(rng).sent_as(_ACK_1_FOLDS_TWICE).frames)


@behaviour(
    does="datagrams that are no frames, frames of other kinds, and DATA and END of a transfer that has not begun",
    proves="each has arrived, and the program rests before the next; at the end it is still, or had the time "
    "allowed for an answer",
    catches="whatever comes is acknowledged; a transfer without a START",
    hint=f"{_LOOK_IT_UP}: only START makes a new one, and what belongs to none is dropped.",
)
def test_other_datagrams(connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Does not answer what belongs to no transfer"""
    with connect_udp() as client:
        for datagram in garbage(rng):
            _must_ignore(client, datagram, "it belongs to no transfer")
        _must_have_ignored(client)
        client.ask(exchange(0, rng))


@behaviour(
    does="three senders at a time, frame by frame in turn, of which two have chosen the same number; one of them sends "
    "two files at a time",
    proves="each frame was acknowledged before the next one was sent",
    catches="one transfer for everybody; a new START ends the transfer that is going on",
    hint=f"{_LOOK_IT_UP}.",
)
def test_several_transfers(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Receives several files at the same time"""
    sent = [*files(4, 2800, rng)]
    sent[1] = sent[1].sent_as(sent[0].transfer)
    first, second, third = connect_udp(), connect_udp(), connect_udp()
    for number in range(max(len(each.frames) for each in sent)):
        for client, each in zip((first, second, third, third), sent, strict=True):
            _send(client, *each.frames[number : number + 1])
    for each in sent:
        _must_have(server, each.name, each.content)


@behaviour(
    does="in the middle of a transfer somebody else sends the next frame of it, with other bytes, and its END",
    proves="each has arrived, and the program rests before the next; at the end it is still, or had the time "
    "allowed for an answer",
    catches="frames from anyone, as long as they have the transfer's number",
    hint=f"{_LOOK_IT_UP}; recvfrom tells you the address.",
)
def test_stray_frames(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Takes no frames of a transfer from anybody else"""
    sent, others = file(2500, rng), file(2500, rng)
    with connect_udp() as client, connect_udp() as stranger:
        _send(client, *sent.frames[:2])
        for frame in (others.sent_as(sent.transfer).frames[2], sent.frames[-1]._replace(number=2)):
            _must_ignore(stranger, encoded(frame), "another sender has begun this transfer")
        _must_have_ignored(stranger)
        _send(client, *sent.frames[2:])
        _must_have(server, sent.name, sent.content)


@behaviour(
    does="a transfer that ends before its END, with the name of a file that is there, and one with a new name; then "
    "both names again, completely",
    proves="the frames before were acknowledged",
    catches="half a file under its name, an old file that is emptied by START",
    hint="Keep what has come somewhere else until END comes: in memory, or in a file with another name that is renamed "
    "then{Python:  (os.replace)}{C:  (rename)}{Java:  (Files.move)}.",
)
def test_unfinished_transfers(server: Server, connect_udp: ConnectUdp, rng: random.Random) -> None:
    """Keeps nothing of a transfer that breaks off"""
    old, new, other = files(3, 3000, rng)
    again = new._replace(name=old.name)
    with connect_udp() as client:
        _send(client, *old.frames)
    for broken in (again, other):
        with connect_udp() as client:
            _send(client, *broken.frames[:-1])
    _must_have(server, old.name, old.content)
    if _exists(server, f"{FOLDER}/{other.name}"):
        fail(Reason.NOT_WRITTEN, f"{other.name} is there, although its END has not come")
    for whole in (again, other):
        with connect_udp() as client:
            _send(client, *whole.frames)
        _must_have(server, whole.name, whole.content)


@behaviour(
    does="START with names that no file may have: with a slash, a dot at the beginning, a NUL, too long, empty",
    proves="each has arrived, and the program rests before the next; at the end it is still, or had the time "
    "allowed for an answer",
    catches="files outside the folder; a name that can't be opened ends the program",
    hint="Look at each character of the name before you take it.",
)
def test_names_that_lead_out(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Takes no file with a forbidden name"""
    sent = file(200, rng)
    with stage.connect_udp(fresh_server) as client:
        for number, name in enumerate(names_that_lead_out(rng)):
            start = sent.sent_as(sent.transfer ^ number + 1).frames[0]
            _must_ignore(client, encoded(start._replace(payload=name)), f"no file may be called {name!r}")
        _must_have_ignored(client)
        _send(client, *sent.frames)
        _must_have(fresh_server, sent.name, sent.content)


@behaviour(
    does=f"one file, and then {_MANY_FILES} more; its open files after the first and after the last",
    proves="each END was acknowledged",
    catches="a file that is never closed",
    hint="Close each file when its END has come{Python: : with open(...) does}.",
)
def test_files_are_closed(fresh_server: Server, stage: Stage, rng: random.Random) -> None:
    """Closes the files that it has received"""
    first, *others = files(_MANY_FILES + 1, 5000, rng)
    with stage.connect_udp(fresh_server) as client:
        _send(client, *first.frames)
        fresh_server.wait_rest()
        before = fresh_server.facts().open_files
        for each in others:
            start, *_, _ = each.frames
            end = each.frames[-1]._replace(number=1)
            _send(client, start, end)
        fresh_server.wait_rest()
        more = fresh_server.facts().open_files - before
    if more > 0:
        fail(Reason.FD_LEAK, f"after {_MANY_FILES} more files it has {more} more files open")
