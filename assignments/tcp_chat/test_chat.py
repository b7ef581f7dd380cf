"""What only a chat room does: what is said to all, and what nobody may hear."""

from __future__ import annotations

from grader import Connect, Reason, StreamProtocol, behaviour

#: A line may have as many, its end included (2.5).
_LONGEST_LINE_BYTES = 64 * 1024


@behaviour(
    does="lines that are not UTF-8 from one of two members, each followed by a good line that both must hear next",
    proves="the bad line was read before the good one was sent",
    catches="invalid bytes sent on, or with U+FFFD in their place; the sender put out of the room",
    says=("invalid_text",),
    hint="A line that can't be decoded is dropped as a whole: send nothing of it to anybody, and go on with the next.",
    hints={
        Reason.CLOSED_EARLY: "Catch the error for this line alone: its sender stays connected.",
        Reason.RESET: "Catch the error for this line alone: its sender stays connected.",
    },
)
def test_invalid_line_goes_to_nobody(connect: Connect, protocol: StreamProtocol) -> None:
    """Sends a line that is not UTF-8 to nobody, and keeps its sender"""
    with connect() as sender, connect():
        for number, line in enumerate(protocol.invalid_text()):
            sender.send(line)
            sender.wait_read()
            sender.ask(protocol.exchange(number))


@behaviour(
    does="while one member listens a second comes, says a line and leaves, once by closing and once by a reset",
    proves="the program is still after each, or had the time of a reply",
    catches="'somebody has joined', 'somebody has left'",
    hint="Send nothing but the lines that members say: no word about who comes or goes.",
)
def test_nobody_is_announced(connect: Connect, protocol: StreamProtocol) -> None:
    """Tells nobody who comes or goes"""
    with connect() as member:
        for number, by_reset in enumerate((False, True)):
            with connect() as guest:
                member.expect_nothing(Reason.EXTRA_REPLY, "it said something when a client came")
                guest.ask(protocol.exchange(number))
                if by_reset:
                    guest.reset()
            member.expect_nothing(Reason.EXTRA_REPLY, "it said something when a client left")


@behaviour(
    does="one of two members resets its connection in the middle of a line; then the other says a line",
    proves="the part was read before the reset; the program is still after it, or had the time of a reply",
    catches="the buffer is sent on at every end of a connection, a reset taken for the client's end",
    hint="recv that fails (ECONNRESET) is no end of the text: forget what the client had not finished. Only where recv "
    "returns b'' (0 in C) is what is left the last line.",
)
def test_unfinished_line_of_reset_is_dropped(connect: Connect, protocol: StreamProtocol) -> None:
    """Forgets what a client had not finished when its connection broke"""
    unfinished = protocol.exchange(0).request.removesuffix(b"\n")
    with connect() as member, connect() as guest:
        guest.send(unfinished)
        guest.wait_read()
        guest.reset()
        member.expect_nothing(Reason.EXTRA_REPLY, "it sent on what a client had not finished when its connection broke")
        member.ask(protocol.exchange(1))


@behaviour(
    does="a line of 64 KiB, its end included, and a short one behind it, which both of two members must hear",
    proves="all of the line but its end was read before that was sent",
    catches="a buffer or a limit that is too small: the line cut off or cut in two, its sender put out of the room",
    says=("sized",),
    hint="Let the buffer of a connection grow to 64 KiB. Send with sendall or in a loop: send may take only a part.",
)
def test_longest_line_reaches_all(connect: Connect, protocol: StreamProtocol) -> None:
    """Sends a line of 64 KiB to everybody"""
    with connect() as sender, connect():
        longest = protocol.sized(_LONGEST_LINE_BYTES)
        sender.send(longest.request, pieces=[_LONGEST_LINE_BYTES - 1])
        sender.expect_answer(longest)
        sender.ask(protocol.exchange(0))
