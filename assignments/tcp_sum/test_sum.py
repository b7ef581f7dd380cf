"""What only a sum server does: a length that breaks the protocol ends its connection."""

from __future__ import annotations

from grader import Connect, Reason, StreamProtocol, behaviour


@behaviour(
    does="lengths that are not allowed, each from a client of its own, which stays; then all that comes until the end",
    proves="nothing to prove",
    catches="an error message for an answer, a server that waits for what was announced or skips it, no check at all",
    says=("hostile_lengths",),
    hint="Close the connection as soon as the length is wrong: no number and no error message is sent before.",
    hints={
        Reason.NOT_CLOSED: "Check the length as soon as its 4 bytes are there, and close the connection if it is above "
        "1 MiB or no multiple of 4. Don't wait for anything behind it.",
    },
)
def test_bad_length_ends_connection(connect: Connect, protocol: StreamProtocol) -> None:
    """Closes the connection of a client that announces a bad length, without an answer"""
    for start in protocol.hostile_lengths():
        with connect() as client:
            client.send(start)
            # A reset is right too: it is what close makes of bytes that the server has left unread.
            client.expect_end_or_reset()
            client.expect_no_reply(Reason.EXTRA_REPLY, "it answered a length that breaks the protocol")
