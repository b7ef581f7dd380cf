"""What only a chat room does: what everyone hears, and what nobody may hear."""

from __future__ import annotations

from grader import Connect, Reason, StreamProtocol, behaviour

#: A line may have as many, its end included (2.5).
_LONGEST_LINE_BYTES = 64 * 1024


@behaviour(
    does="lines that are not UTF-8 from one of two members, each followed by a valid line that both must receive next",
    proves="the bad line was read before the valid one was sent",
    catches="invalid bytes passed on, or replaced by U+FFFD; the sender dropped from the room",
    says=("invalid_text",),
    hint="A line that can't be decoded is dropped as a whole: send nothing of it to anyone, and go on with the next.",
    hints={
        Reason.CLOSED_EARLY: "Catch the error for this line only: its sender stays connected.",
        Reason.RESET: "Catch the error for this line only: its sender stays connected.",
    },
)
def test_invalid_line_goes_to_nobody(connect: Connect, protocol: StreamProtocol) -> None:
    """Passes a line that is not UTF-8 on to nobody, and keeps its sender"""
    with connect() as sender, connect():
        for number, line in enumerate(protocol.invalid_text()):
            sender.send(line)
            sender.wait_read()
            sender.ask(protocol.exchange(number))


@behaviour(
    does="while one member listens another one connects, says a line and leaves, once by closing and once by a reset",
    proves="the program is still after each, or had the time allowed for a reply",
    catches="'somebody has joined', 'somebody has left'",
    hint="Send nothing but the lines that members say: don't announce who joins or leaves.",
)
def test_nobody_is_announced(connect: Connect, protocol: StreamProtocol) -> None:
    """Tells nobody who joins or leaves"""
    with connect() as member:
        for number, by_reset in enumerate((False, True)):
            with connect() as guest:
                member.expect_nothing(Reason.EXTRA_REPLY, "it said something when a client joined")
                guest.ask(protocol.exchange(number))
                if by_reset:
                    guest.reset()
            member.expect_nothing(Reason.EXTRA_REPLY, "it said something when a client left")


@behaviour(
    does="one of two members resets its connection in the middle of a line; then the other says a line",
    proves="the part was read before the reset; the program is still after it, or had the time allowed for a reply",
    catches="the buffer is passed on however a connection ends, a reset taken for the client's FIN",
    hint="When recv fails (ECONNRESET), the text hasn't ended: forget what the client had not finished. Only when recv "
    "returns nothing{Python:  (b'')}{C:  (0)} is what is left the last line.",
)
def test_unfinished_line_of_reset_is_dropped(connect: Connect, protocol: StreamProtocol) -> None:
    """Drops an unfinished line when the client's connection breaks"""
    unfinished = protocol.exchange(0).request.removesuffix(b"\n")
    with connect() as member, connect() as guest:
        guest.send(unfinished)
        guest.wait_read()
        guest.reset()
        member.expect_nothing(Reason.EXTRA_REPLY, "it passed on an unfinished line of a client whose connection broke")
        member.ask(protocol.exchange(1))


@behaviour(
    does="a line of 64 KiB, including its line ending, followed by a short one, which both of two members must receive",
    proves="all of the line but its line ending was read before that was sent",
    catches="a buffer or a limit that is too small: the line cut off or split in two, its sender dropped from the room",
    says=("sized",),
    hint="Let the buffer of a connection grow to 64 KiB. Send with sendall or in a loop: send may take only part of "
    "the data.",
)
def test_longest_line_reaches_all(connect: Connect, protocol: StreamProtocol) -> None:
    """Passes a line of 64 KiB on to everyone"""
    with connect() as sender, connect():
        longest = protocol.sized(_LONGEST_LINE_BYTES)
        sender.send(longest.request, pieces=[_LONGEST_LINE_BYTES - 1])
        sender.expect_answer(longest)
        sender.ask(protocol.exchange(0))
