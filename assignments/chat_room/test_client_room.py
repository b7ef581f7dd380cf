"""The client of somebody who types while strangers talk."""

from __future__ import annotations

import random

from grader import Answer, ClientProtocol, Entry, Reason, TcpClients, behaviour, fail, random_letters, random_words

#: Lines that arrive together, more than are on a screen; they fit in one segment.
_MANY = 60


def _says(name: bytes, words: bytes) -> Entry:
    """What somebody in the room says."""
    return Entry(b"", b"", b"%b: %b\n" % (name, words), b"%b: %b" % (name, words))


@behaviour(
    does="half a line is typed, with spaces before it; then somebody else says something; then the other half is "
    "typed, and Enter",
    proves="the line was typed at a terminal, which keeps it until Enter",
    catches="a client that waits for the end of a line before it shows anything, or forgets what was typed; spaces "
    "stripped",
    hint="Let the terminal collect the line, and wait for it and for the server at the same time: a thread that "
    "receives, or select on both. If you read single keys, keep what was typed.",
    says=("typed", "unasked"),
)
def test_shows_lines_while_typing(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Shows what others say while a line is being typed"""
    heard = script.unasked()
    # Not a command, and answered by nobody: the line alone is what matters.
    line = b"  %b  " % random_words(rng, 3).encode()
    half = len(line) // 2
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.output.listen_from_here()
        session.keyboard.type(line[:half])
        session.server.answer(heard.reply)
        session.output.must_show(heard)
        session.keyboard.type(line[half:] + b"\n")
        session.server.expect(line + b"\n")
        session.converse(script.typed(1))


@behaviour(
    does=f"{_MANY} lines arrive together, and the beginning of another one; then its rest",
    proves="all of them arrived in one segment",
    catches="one line shown for each recv, the rest shown with the next line or never, lines in another order",
    hint="One recv may return many lines, and part of one: show all that are complete, and keep the rest.",
    says=("typed",),
)
def test_many_lines_together(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Shows all lines that arrive together, in order"""
    entries = [_says(random_letters(rng, 6), random_words(rng, 2).encode()) for _ in range(_MANY + 1)]
    *whole, last = entries
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        session.wait_prompt()
        session.output.listen_from_here()
        half = len(last.reply) // 2
        session.server.answer(b"".join(entry.reply for entry in whole) + last.reply[:half], Answer.TOGETHER)
        session.output.must_show(whole[-1])
        session.server.answer(last.reply[half:])
        session.wait_prompt()
        places = [session.output.said.find(entry.shown) for entry in entries]
        if -1 in places:
            missing = entries[places.index(-1)].shown.decode()
            fail(Reason.NOT_SHOWN, f"one of {len(entries)} lines is not in its output: {missing!r}")
        if places != sorted(places):
            fail(Reason.WRONG_SHOWN, "it shows lines in another order than that in which they arrived")


#: What a stranger's line may have in it; each is to be left out or shown as something harmless.
_HOSTILE = ((b"\x1b]0;", b"\x07"), (b"\x1b[2J", b"\x1b[5A"), (b"\x08", b"\x7f", b"\x0c"), (b"\x00", b"\x0e"))


@behaviour(
    does="somebody says lines with escape sequences, a bell, a backspace, a DEL and other control characters in them",
    proves="the words beside them were shown",
    catches="others who clear the screen, change the window's title, or write over what was shown",
    hint="Look at each character before you print it{Python: : str.isprintable tells}{C: : iscntrl tells}{Java: : "
    "Character.isISOControl tells}, and print something else for control characters.",
    says=("typed",),
)
def test_no_control_characters(tcp_clients: TcpClients, script: ClientProtocol, rng: random.Random) -> None:
    """Passes no control characters of others on to the terminal"""
    name = random_letters(rng, 6)
    with tcp_clients.start() as session:
        session.converse(script.typed(0))
        for hostile in _HOSTILE:
            session.wait_prompt()
            session.output.listen_from_here()
            # The client's own prompt may have any of them; what follows here, only we have sent.
            marked = {each + random_letters(rng, 4): each for each in hostile}
            word = random_words(rng).encode()
            entry = Entry(b"", b"", b"%b: %b%b\n" % (name, b"".join(marked), word), word)
            session.server.answer(entry.reply)
            session.output.must_show(entry)
            if came := [each for text, each in marked.items() if text in session.output.said]:
                fail(Reason.WRONG_SHOWN, f"it prints control characters as they come: {repr(b''.join(came))[1:]}")
