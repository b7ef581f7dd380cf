"""What only an echo server does: it echoes every byte, and a word in the stream ends the connection."""

from __future__ import annotations

import random

from grader import Connect, Reason, StreamProtocol, behaviour, random_words

#: What differs from the word by what a comparison may overlook, with {} for words of this run.
_NOT_THE_WORD = (
    b"close the {}\n",
    b"{} close\n",
    b"closed\n",
    b"close \n",
    b" close\n",
    b"Close\n",
    b"CLOSE\n",
    b"close\r\r\n",
    b"clos\n",
    b"close; {}; close\n",
)
#: The same in two pieces, neither of which looks like another line than the word.
_NOT_THE_WORD_IN_PIECES = ((b"closed", b"\n"), (b"close ", b"\n"))


@behaviour(
    does="single bytes, none of them a line ending, each sent when the one before has come back",
    proves="nothing to prove",
    catches="readline, getline, fgets: an echo that waits for the end of the line",
    hint="Send back what recv returns immediately: readline, getline and the like wait for a line ending.",
)
def test_echoes_at_once(connect: Connect, protocol: StreamProtocol) -> None:
    """Echoes each byte immediately, without waiting for the end of the line"""
    with connect() as client:
        for byte in protocol.exchange(0).request.removesuffix(b"\n"):
            client.send(bytes([byte]))
            client.expect(bytes([byte]))


@behaviour(
    does="lines that begin with, end with, or look like the word, one after the other; some of them once more in two "
    "pieces; then a plain one",
    proves="the first piece was read before the second is sent",
    catches="strip(), startswith(), strstr(): the connection is closed by the wrong lines; of a line that comes in "
    "pieces too little is kept",
    hint="Compare the whole line with the word: remove its LF or CRLF and nothing else. If you don't keep a long line "
    "whole, keep enough of it to see that it is longer than the word.",
)
def test_only_the_line_close(connect: Connect, protocol: StreamProtocol, rng: random.Random) -> None:
    """Keeps the connection open after lines that only look like the word close"""
    plain = protocol.exchange(0)
    with connect() as client:
        for near_miss in _NOT_THE_WORD:
            line = near_miss.replace(b"{}", random_words(rng).encode())
            client.send(line)
            client.expect(line)
        for first, rest in _NOT_THE_WORD_IN_PIECES:
            client.send(first)
            client.wait_read()
            client.send(rest)
            client.expect(first + rest)
        client.send(plain.request)
        client.expect(plain.reply)


@behaviour(
    does="in one segment a line, the word ended by CRLF, and another line; then everything until the end",
    proves="one short send on a connection where nothing else waits, which is one segment",
    catches="everything that recv returned is compared with the word; CRLF is forgotten; too much is echoed",
    hint="What recv returns may contain several lines: look at each. Echo up to the end of the line close and no "
    "further.",
    hints={Reason.NOT_CLOSED: "Look at each line in what recv returned, and accept CRLF as a line ending too."},
)
def test_close_among_others(connect: Connect, protocol: StreamProtocol) -> None:
    """Finds the line close among others, and echoes nothing after it"""
    to_the_end = protocol.exchange(0).request + b"close\r\n"
    with connect() as client:
        # Not as_one_read: the server may be gone before we look.
        client.send(to_the_end + protocol.exchange(1).request)
        client.expect(to_the_end)
        client.expect_end()
