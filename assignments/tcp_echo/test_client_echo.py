"""What only the client of an echo server does: a line that the server echoes makes it exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import Entry, behaviour, random_words

if TYPE_CHECKING:
    import random

    from grader import ClientProtocol, TcpClients

#: What differs from the word by what a comparison may overlook, with {} for words of this run.
_NOT_THE_WORD = ("closed", "close the {}", "{} close", "Close", "close ", " close")


@behaviour(
    does="the line `close` is typed; its echo and the server's FIN arrive together",
    proves="the program waits for a line when it is typed; the echo is sent after the line has arrived",
    catches="the program exits as soon as it has sent the line, its echo is thrown away",
    hint="Show the echo of this line like any other's; only then check whether the line was `close`.",
    says=("typed", "leaving"),
)
def test_echo_of_close_is_shown(tcp_clients: TcpClients, script: ClientProtocol) -> None:
    """Shows the echo of the line close before it exits"""
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.enter(script.leaving().line)
        session.server.expect(script.leaving().request)
        session.server.answer(script.leaving().reply)
        session.server.dismiss()
        session.must_end_well("after the line 'close'")
        session.output.must_show(script.leaving())


@behaviour(
    does="lines are typed that begin or end with the word, or have it in a different case; each is echoed",
    proves="the program waits for a line when the next one is typed",
    catches="startswith, strip() or lower() before the comparison, strncmp with five characters",
    hint="Compare the whole line, without its line ending, with `close`.",
    says=("typed",),
)
def test_only_the_line_close(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Does not exit on lines that only look like the word close"""
    with tcp_clients.start() as session:
        for word in _NOT_THE_WORD:
            line = word.format(random_words(rng)).encode()
            session.converse(Entry(line, line + b"\n", line + b"\n", line))
        session.converse(script.typed(0))
