"""What a client shows: the reply to each line, before it waits for the next.

Only what it prints from a certain moment on counts, and that moment is one of two.  What was printed *since the last
line was typed* is about this line: prompts and earlier replies come before it.  At a terminal a program may print the
line itself, or the terminal echoes it, and over an echo service that looks exactly like the reply; so there only what
ends *after our server had answered* is a reply.  On a pipe nobody types and nothing echoes, and a runtime prints in
blocks of its own, so the first moment is all that can be asked for.

A reply that is not there is looked for otherwise, so that the message says what happened to it: in part, stripped, on
stderr, as a bytes object, or only once the program has exited, since it was left in a buffer.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress

from grader.errors import Reason
from grader.protocol.datagrams import decide_whole
from grader.protocol.reply import Complete, Reply
from grader.protocol.script import Entry
from grader.wire.endings import reason_of
from grader.wire.faults import FaultError
from grader.wire.keyboard import Keyboard
from grader.wire.mismatch import not_the_reply
from grader.wire.program import Program
from grader.wire.tcp_server import Peer
from grader.wire.waiting import NoProgressError

#: So many bytes of a reply are not in an output by accident.
_RECOGNIZED_BYTES = 8
#: How many unexpected bytes are shown.
_SHOWN_BYTES = 40
#: How Python shows bytes that were not decoded.
_BYTES_LITERAL = re.compile(rb"\bb'(?:[^'\\\n]|\\.)*'|\bb\"(?:[^\"\\\n]|\\.)*\"")


class ClientOutput:
    """The output of one run of a client.

    `read_bytes`: how much of what its server has sent it has read, if anybody can tell.  `has_unread`: whether some of
    that has arrived and was not read yet.
    """

    def __init__(
        self,
        program: Program,
        keyboard: Keyboard,
        server: Peer,
        read_bytes: Callable[[], int | None],
        has_unread: Callable[[], bool],
        *,
        terminal: bool,
    ) -> None:
        self._program = program
        self._keyboard = keyboard
        self._server = server
        self._read_bytes = read_bytes
        self._has_unread = has_unread
        self._terminal = terminal
        #: Where what it says about the last line begins, on standard output and on stderr.
        self._said_from = 0
        self._complained_from = 0

    def listen_from_here(self) -> None:
        """What it prints from now on is about what happens now."""
        self._program.catch_up()
        self._said_from = len(self._program.stdout.data)
        self._complained_from = len(self._program.stderr.data)

    @property
    def complained_from(self) -> int:
        """Where, on stderr, that begins."""
        return self._complained_from

    def prompt(self) -> str:
        """What it has printed since something was last typed."""
        return (self.said + self.complaints).decode(errors="replace")

    @property
    def said(self) -> bytes:
        """What it has printed since the last line was typed."""
        return bytes(self._program.stdout.data[self._said_from :])

    @property
    def complaints(self) -> bytes:
        """The same on stderr, where Python's input() also prints its prompt at a terminal."""
        return bytes(self._program.stderr.data[self._complained_from :])

    def must_not_trail(self, entry: Entry, before: Entry) -> None:
        """After a shown reply there is nothing of the longer one that was shown before it.

        Raises:
            FaultError: there is.
        """
        __tracebackhide__ = True
        if not entry.shown:
            return
        behind = self.said.partition(entry.shown)[2].lstrip(b"\r\n")
        # A line ending, or the NUL in its place, covers one or two of the earlier bytes.
        for end in range(3):
            rest = before.shown[len(entry.shown) + end :]
            if len(rest) >= _RECOGNIZED_BYTES // 2 and behind.startswith(rest):
                what = f"after the reply {in_words(entry.shown)} it printed the end of an earlier one: {in_words(rest)}"
                raise FaultError(Reason.WRONG_SHOWN, what)

    def must_show(self, entry: Entry, *, besides: int = 0, read_before: int | None = None) -> None:
        """The reply is in its output before it waits for something again.

        At a terminal only what ends after the server's reply counts: an echo of what was typed, by the terminal or by
        the client itself, comes before it.  `besides`: how often the client prints the same without any reply;
        `read_before`: what it had read from its server (`read_bytes`) before that line, if that server is not ours.

        Raises:
            FaultError: it is not.
        """
        __tracebackhide__ = True
        # Who prints a reply piece by piece has printed all but its end before its last byte is answered.
        answered_at = self._server.answered_at - max(len(entry.shown) - 1, 0)
        start = max(self._said_from, answered_at if self._terminal else 0)

        def shown() -> bool | None:
            return (self._shows(entry.shown, start, besides) and self._has_read(entry, read_before)) or None

        try:
            self._program.wait(shown, [self._program.started.stdout], prints=True, hurried=True)
        except NoProgressError as stop:
            raise self._not_shown(entry, start, besides, stop) from None

    def must_have_shown(self, shown: bytes | Reply) -> None:
        """The output of a client that has exited has this in it; or all of it, prompts aside, is what is recognised.

        Raises:
            FaultError: it is not.
        """
        __tracebackhide__ = True
        self._program.catch_up()
        if not isinstance(shown, bytes):
            must_be(shown, self.said, "its output", Reason.NOT_SHOWN)
        elif not self._shows(shown, 0):
            reason, how = self._shown_otherwise(shown, 0) or (Reason.NOT_SHOWN, "is not in its output")
            raise FaultError(reason, f"{in_words(shown)} {how}")

    def must_have_complained(self, words: bytes) -> None:
        """What a client has printed on stderr has this in it.

        Raises:
            FaultError: it has not.
        """
        __tracebackhide__ = True
        self._program.catch_up()
        if words not in self.complaints:
            raise FaultError(Reason.NOT_SHOWN, f"{in_words(words)} is not in what it printed on stderr")

    def _has_read(self, entry: Entry, read_before: int | None) -> bool:
        """Whether the bytes of a reply have left its receive queue; if nobody can tell, they have.

        The client's own server may leave out a line ending.
        """
        read = None if read_before is None else self._read_bytes()
        return read is None or read_before is None or read - read_before >= min(len(entry.reply), len(entry.shown))

    def _shows(self, shown: bytes, start: int, besides: int = 0) -> bool:
        return _BYTES_LITERAL.sub(b"", self._program.stdout.data[start:]).count(shown) > besides

    def _not_shown(self, entry: Entry, start: int, besides: int, stop: NoProgressError) -> FaultError:
        __tracebackhide__ = True
        words = f"the reply {entry.shown[:80].decode(errors='replace')!r}"
        if otherwise := self._shown_otherwise(entry.shown, start):
            reason, how = otherwise
            return FaultError(reason, f"{words} {how}", doing=stop.doing)
        ending = self._program.ending()
        if ending is not None:
            what = f"the program exited, and {words} is not in its output"
            return FaultError(reason_of(ending), what, doing=self._program.doing())
        left_unread = self._has_unread()  # then it is in no buffer of its own
        if not left_unread and self._keyboard.at_prompt() and self._comes_at_the_end(entry.shown, start, besides):
            what = f"{words} was printed only when the program exited: until then it was left in a buffer"
            return FaultError(Reason.NOT_FLUSHED, what, doing=stop.doing)
        if self._shows(entry.shown, self._said_from):
            what = f"{words} is not in its output: what looks like it was printed before the reply had arrived"
            return FaultError(Reason.NOT_SHOWN, what, doing=stop.doing)
        what = f"{words} is not in its output"
        return FaultError(Reason.NOT_SHOWN, what, doing=stop.doing, left_unread=left_unread)

    def _shown_otherwise(self, shown: bytes, start: int) -> tuple[Reason, str] | None:
        """How a reply was shown instead of unchanged, after the words "the reply ..."; None: not at all."""
        if _BYTES_LITERAL.search(self._program.stdout.data[start:]):
            return Reason.BYTES_SHOWN, "was shown as a bytes object: it was not decoded"
        if 0 < (part := self._part_shown(shown, start)) < len(shown):
            return Reason.NOT_SHOWN, f"was shown only in part: the first {part} of {len(shown)} bytes"
        if shown.strip() not in {shown, b""} and self._shows(shown.strip(), start):
            return Reason.NOT_SHOWN, "was shown without the white space at either end"
        if self._complained_of(shown):
            return Reason.SHOWN_ON_STDERR, "was printed on stderr"
        return None

    def _complained_of(self, shown: bytes) -> bool:
        """Whether it is on stderr as a line, or behind a prompt."""
        lines = self.complaints.splitlines()
        return shown in lines or (len(shown) >= _RECOGNIZED_BYTES and any(line.endswith(shown) for line in lines))

    def _part_shown(self, shown: bytes, start: int) -> int:
        """How many bytes of its beginning were shown; 0 for so few that they may be anything."""
        output = self._program.stdout.data[start:]
        least = min(_RECOGNIZED_BYTES, len(shown) // 2 + 1)
        if shown[:least] not in output:
            return 0
        return bisect_left(range(len(shown)), 1, key=lambda last: int(shown[: last + 1] not in output))

    def _comes_at_the_end(self, shown: bytes, start: int, besides: int) -> bool:
        self._keyboard.end_input()
        with suppress(NoProgressError):
            self._program.wait_end()
        return self._shows(shown, start, besides)


def in_words(data: bytes) -> str:
    """The beginning of some bytes, for a sentence."""
    return repr(data[:_SHOWN_BYTES].decode(errors="replace")) + ("…" if len(data) > _SHOWN_BYTES else "")


def must_be(wanted: Reply, data: bytes, where: str, reason: Reason) -> None:
    """All of what a program has printed, or has written into a file, is this.  `where`: that, in words.

    Raises:
        FaultError: it is not.
    """
    __tracebackhide__ = True
    decision = decide_whole(wanted, data, where)
    if not isinstance(decision, Complete):
        raise not_the_reply(wanted, decision, data, reason=reason, what=f"{where} is not what it must be", doing="")
