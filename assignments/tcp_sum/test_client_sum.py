"""What only a sum client does: it turns lines into numbers and numbers into lines, and verifies a length."""

from __future__ import annotations

import random
import struct
from typing import Any

from grader import ClientProtocol, Entry, Reason, Session, TcpClients, behaviour, fail

_LARGEST, _SMALLEST = 0x7FFF_FFFF, -0x8000_0000
#: A line may have as many (7.4): 1 MiB in a frame.
_MOST_NUMBERS = 262_144
#: A traceback of Python, or of the JVM, names the thread or the function; a message to a user does not.
_TRACEBACKS = (b"Traceback (most recent call last)", b"Exception in thread")


def _frame(*numbers: int) -> bytes:
    return struct.pack(f"!I{len(numbers)}i", 4 * len(numbers), *numbers)


def _entry(line: str, numbers: tuple[int, ...], total: int | None = None) -> Entry:
    """A line of these numbers; the server says that their sum is `total`, or what it is."""
    total = sum(numbers) if total is None else total
    return Entry(line.encode(), _frame(*numbers), struct.pack("!Iq", 8, total), str(total).encode())


@behaviour(
    does="negative numbers, the largest and the smallest, and numbers that look different with their bytes swapped are "
    "typed; the server replies with their sums",
    proves="the program waits for a line when it is typed; all it has sent has arrived here",
    catches="numbers without a sign, htons for htonl, numbers above 2^24 as float, the machine's byte order",
    hint="Each number is sent as 4 bytes, the most significant first{Python: : struct.pack('!i', number)}{C: : htonl "
    "of an int32_t}{Java: : DataOutputStream.writeInt}.",
)
def test_numbers_of_every_size(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Sends negative, large and small numbers"""
    rows = (
        (-rng.randint(2, 0x7F),),
        (rng.randint(0x100, 0x7FFF), rng.randint(0x1_0000, 0x7F_FFFF)),
        (-rng.randint(0x100, 0x7FFF), rng.randint(0x1_0001, 0x7F_FFFF)),
        ((rng.randint(0x100_0001, 0x7FF_FFFF)) | 1, -(rng.randint(0x1_0001, 0x7F_FFFF) | 1)),
        (_SMALLEST, -1),
        (_LARGEST, _LARGEST - rng.randint(2, 0xFFFF)),
    )
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        for numbers in rows:
            session.converse(_entry(" ".join(map(str, numbers)), numbers))


@behaviour(
    does="lines are typed, and the server says that their sums are negative, above 32 bits, and as large and small as "
    "64 bits allow",
    proves="the program waits for a line when it is typed",
    catches="a sum read as 32 bits, without its sign or as a float; a client that adds the numbers up itself",
    hint="The sum has 8 bytes and a sign{Python: : struct.unpack('!q', body)}{C: : put it together in a uint64_t, byte "
    "by byte, and print it as an int64_t with PRId64}{Java: : DataInputStream.readLong}{JavaScript: : "
    "readBigInt64BE}. Show what the server says, not a sum of your own.",
)
def test_sums_of_64_bits(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Shows every sum of 64 bits"""
    totals = (
        -rng.randint(1_000, 9_999),
        rng.randint(1 << 31, 1 << 32),
        -rng.randint((1 << 32) + 1, 1 << 33),
        rng.randint(1 << 40, 1 << 41),
        (1 << 63) - 1,
        -(1 << 63),
    )
    with tcp_clients.start() as session:
        for total in totals:
            numbers = (rng.randint(1, 99), rng.randint(1, 99))
            session.converse(_entry("{} {}".format(*numbers), numbers, total))


@behaviour(
    does="an empty line and a line of white space are typed, each followed by a line of numbers",
    proves="the program waits for a line when it is typed; all it has sent has arrived here",
    catches="nothing sent for such a line, a number 0 made up, a crash, the end of the program",
    hint="A line without numbers is a frame of length 0, and its sum is 0.",
)
def test_line_without_numbers(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Sends an empty frame for a line without numbers"""
    with tcp_clients.start() as session:
        for number, line in enumerate(("", " \t ")):
            session.converse(_entry(line, ()))
            session.converse(script.typed(number))


@behaviour(
    does="lines with something that is not a number of 32 bits, through a pipe, each followed by a line of numbers",
    proves="the second line's frame has arrived, so the first was dealt with",
    catches="a frame with the other numbers of the line, a number cut to 32 bits, a crash, the end of the program, no "
    "message",
    hint="Look at all words of a line before you send anything{Python:  (int raises ValueError, struct.pack "
    "struct.error)}{C:  (strtol: is the end of the word where it stopped, and is the value within 32 bits?)}{Java:  "
    "(NumberFormatException)}.",
    hints={Reason.SILENT: "Say on stderr which line was not sent, and why."},
)
def test_bad_line_is_not_sent(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Sends nothing of a line with anything but numbers, and goes on"""
    one = rng.randint(10, 99)
    lines = (f"{one} pears", "3.5", f"{one},{one}", f"0x{one}", f"{_LARGEST + one}", f"{one} {_SMALLEST - one}", "7 -")
    with tcp_clients.start(terminal=False) as session:
        for number, line in enumerate(lines):
            entry = script.typed(number)
            session.feed(line.encode() + b"\n" + entry.line + b"\n", at_end=False)
            session.server.expect(entry.request)
            session.server.answer(entry.reply)
            session.program.catch_up()  # it has printed a message before it sent the next line
            if not session.output.complaints.strip():
                fail(Reason.SILENT, f"it printed nothing on stderr about the line {line!r}")


@behaviour(
    does=f"a line of {_MOST_NUMBERS} numbers through a pipe",
    proves="all it has sent has arrived here",
    catches="a line buffer of fixed size, a length that counts in 16 bits, a short write, one frame for each piece",
    hint="A line and its frame may be longer than any buffer.{C:  fgets returns a long line in pieces: use getline, "
    "and let the array of numbers grow.} Send all of it, however much one send takes.",
)
def test_line_of_many_numbers(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Sends a line of 262,144 numbers as one frame"""
    numbers = tuple(rng.choices(range(-999, 10_000), k=_MOST_NUMBERS))
    entry = _entry(" ".join(map(str, numbers)), numbers)
    with tcp_clients.start(terminal=False) as session:
        session.feed(entry.line + b"\n")
        session.server.expect(entry.request)
        session.server.answer(entry.reply)
        session.output.must_show(entry)


@behaviour(
    does="the server replies with a length that is not 8, with as many bytes behind it or with none; once for each of "
    "six lengths",
    proves="the reply is sent when the client rests, with its request sent",
    catches="a length that nobody looks at, a wait for 4 GiB, an allocation of them, a length taken as negative",
    hint="Verify that the length is 8 before you read on: say on stderr that it is not, and exit with status 1.",
    hints={Reason.STILL_RUNNING: "Verify the length as soon as its 4 bytes have arrived, before you wait for more."},
)
def test_bad_reply_length(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Reports a reply whose length is not 8"""
    entry = script.typed(0)
    bad = (
        (0, b""),
        (4, entry.reply[8:]),
        (16, entry.reply[4:] * 2),
        (1 << 20, b""),
        (0x8000_0008, entry.reply[4:]),
        (0xFFFF_FFFF, b""),
    )
    for length, body in bad:
        with tcp_clients.start(terminal=False) as session:
            session.feed(entry.line + b"\n", at_end=False)
            session.server.expect(entry.request)
            session.output.listen_from_here()
            session.server.answer(struct.pack("!I", length) + body)
            _must_report(session, f"after a reply whose length says {length}")


def _must_report(session: Session[Any], situation: str) -> None:
    """It exits with a message on stderr, without a traceback, and with a non-zero status."""
    __tracebackhide__ = True
    ending = session.must_end(situation)
    if any(words in session.output.complaints for words in _TRACEBACKS):
        fail(Reason.TRACEBACK, f"it exited with a traceback {situation}")
    if ending.status < 0:
        fail(Reason.CRASHED, f"it crashed {situation}")
    if ending.status == 0:
        fail(Reason.EXIT_STATUS, f"it exited with status 0 {situation}")
    if not session.output.complaints.strip():
        fail(Reason.SILENT, f"it exited without a message on stderr {situation}")
