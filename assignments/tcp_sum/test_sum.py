"""What only a sum server does: a length that breaks the protocol ends its connection."""

from __future__ import annotations

from grader import Connect, Reason, StreamProtocol, behaviour


@behaviour(
    does="lengths that are not allowed, each from a client of its own, which stays; then everything that arrives until "
    "the end",
    proves="nothing to prove",
    catches="an error message as a reply, a server that waits for the announced bytes or skips them, no check at all",
    says=("hostile_lengths",),
    hint="Close the connection as soon as the length is wrong: don't send a number or an error message first.",
    hints={
        Reason.NOT_CLOSED: "Check the length as soon as its 4 bytes have arrived, and close the connection if it is "
        "above 1 MiB or not a multiple of 4. Don't wait for anything after it.",
    },
)
def test_bad_length_ends_connection(connect: Connect, protocol: StreamProtocol) -> None:
    """Closes the connection, without a reply, of a client that announces a bad length"""
    for start in protocol.hostile_lengths():
        with connect() as client:
            client.send(start)
            # A reset is right too: it is what close makes of bytes that the server has left unread.
            client.expect_end_or_reset()
            client.expect_no_reply(Reason.EXTRA_REPLY, "it replied to a length that breaks the protocol")
