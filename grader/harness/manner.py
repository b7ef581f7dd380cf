"""How a client is told where to connect: by arguments, by answers to its prompts, or not at all.  Pure.

A prompt is known by its words.  Students write them in many languages, so a table has the words, and where none of them
fits, guesses are tried in order.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

import msgspec

from grader.wire.kernel import Endpoint

#: The message that finds out where a client goes.
PROBE = b"hello"


class Ask(StrEnum):
    """What a prompt asks for."""

    HOST = "host"
    PORT = "port"
    PLACE = "host:port"
    MESSAGE = "message"


#: Words of a prompt, in several languages, that say what it asks for; the first row that fits wins.
_ASKED: tuple[tuple[Ask, re.Pattern[str]], ...] = (
    (Ask.PLACE, re.compile(r"(?:host\w*|server|\bip|addr\w*)[)>\]]?:[(<\[]?port", re.IGNORECASE)),
    (Ask.MESSAGE, re.compile(r"messag|mensa|mesaj|nachricht|сообщ|消息|sentence", re.IGNORECASE)),
    (Ask.PORT, re.compile(r"\bport|puerto|porta\b|порт|端口", re.IGNORECASE)),
    (
        Ask.HOST,
        re.compile(r"host|server|\bip\b|addr|adres|sunucu|servidor|hôte|адрес|хост|сервер|主机|地址", re.IGNORECASE),
    ),
    (Ask.MESSAGE, re.compile(r"\btext\b|\bline\b|\bword\b|\bsend|\btype\b", re.IGNORECASE)),
)
#: Colours and the like (ECMA-48): the letters of such a sequence are not words.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
#: If no prompt says what it asks for: what may be meant, the most likely first.
GUESSES: tuple[tuple[Ask, ...], ...] = ((Ask.HOST, Ask.PORT), (Ask.PORT,), (Ask.PORT, Ask.HOST), (Ask.HOST,))


class Manner(msgspec.Struct, frozen=True):
    """How a client is told where to connect.

    `run`: its command with {host}, {port} and {message} in it.  `asks`: what it asks for before the first message.
    `own_port`: where it connects whatever it is told.  `polls`: it looks at its standard input from time to time, and
    never waits for a line there.
    """

    run: tuple[str, ...]
    asks: tuple[Ask, ...] = ()
    own_port: int | None = None
    polls: bool = False

    @property
    def takes_message(self) -> bool:
        """Whether it takes its message as an argument."""
        return any("{message}" in word for word in self.run)


def asked_by(prompt: str, known: Collection[Ask] = ()) -> Ask | None:
    """What a prompt asks for, by its words, those of its last line first; None: they don't say.

    No client asks twice for the same thing: what is `known` already is ruled out.
    """
    prompt = _ESCAPES.sub("", prompt)
    lines = [line for line in prompt.splitlines() if line.strip()]
    for text in (*lines[-1:], prompt):
        for ask, words in _ASKED:
            if words.search(text):
                return Ask.MESSAGE if ask in known else ask
    return None


def answer_to(ask: Ask, told: Endpoint) -> bytes:
    """What to type at a prompt."""
    answers = {
        Ask.HOST: told.host,
        Ask.PORT: str(told.port),
        Ask.PLACE: f"{told.host}:{told.port}",
        Ask.MESSAGE: PROBE.decode(),
    }
    return answers[ask].encode()
