"""An HTTP message being received, a reply or a request: its head line by line, then its body step by step.

After each step it is looked for what is wrong up to there, and so in the order of the bytes.  What differs between
replies and requests is in `http.py` and `http_request.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from grader.protocol.exactly import as_reply
from grader.protocol.http_body import Body
from grader.protocol.http_head import Head
from grader.protocol.reply import Complete, Decision, Incomplete, Matching, Mismatch, Reply, quoted

#: A body is named by its bytes up to so many of them, and by its length beyond.
_BODY_SHOWN = 40


class Rules(msgspec.Struct, frozen=True):
    """What holds for a message besides its first line.

    `headers`: each name with what recognises its value.  `body`: its bytes, or what recognises them; None: any.
    `strict`: nothing is forgiven.  `at_most`: bytes that the body may have.
    """

    headers: tuple[tuple[str, Reply], ...]
    body: bytes | Reply | None
    strict: bool
    at_most: int

    @property
    def words(self) -> list[str]:
        """What they are, for a student, each behind "with"."""
        headers = [f"the header {name}: {value.words}" for name, value in self.headers]
        return headers if self.body is None else [*headers, _body_words(self.body)]


def _body_words(body: bytes | Reply) -> str:
    if not isinstance(body, bytes):
        return f"as its body {body.words}"
    if not body:
        return "an empty body"
    return f"the body {quoted(body)}" if len(body) <= _BODY_SHOWN else f"a body of {len(body)} bytes"


def rules_of(
    headers: Mapping[str, bytes | Reply] | None, body: bytes | Reply | None, at_most: int, *, strict: bool
) -> Rules:
    """Rules as an author gives them."""
    return Rules(tuple((name, as_reply(value)) for name, value in (headers or {}).items()), body, strict, at_most)


def listed(parts: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


class Receiving:
    """One message being received.  What its first line must be, and how it is framed, is its subclass's to say."""

    def __init__(self, rules: Rules, head: Head, words: str) -> None:
        self._rules = rules
        self._head = head
        self._words = words
        self._body: Body | None = None
        self._content = _Content(rules.body)

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        while True:
            body = self._body
            stepped = self._step_head(received) if body is None else self._step_body(body, received, ended=ended)
            if isinstance(stepped, Mismatch):
                return stepped
            if self._rules.strict and self._head.deviations:
                words, at = next(iter(self._head.deviations.items()))
                return Mismatch(at, "", words)
            if self._body is not None and self._body.complete:
                return self._complete(self._body)
            if not stepped:
                return Incomplete(*self._lacking(received))

    # What a subclass says

    def _wrong_start(self) -> Mismatch | None:
        """What is wrong with the first line, which has come."""
        raise NotImplementedError

    def _interim(self) -> bool:
        """Whether another message must follow this one, whose head has come."""
        raise NotImplementedError

    def _frame(self) -> Body | Mismatch:
        """How the body is framed."""
        raise NotImplementedError

    def _has_body(self) -> bool:
        """Whether what is said about the body holds for what comes behind the head."""
        raise NotImplementedError

    def _said(self) -> Mapping[str, Any]:
        """The values of the first line."""
        raise NotImplementedError

    def _ends(self, body: Body) -> bool:
        """Whether the connection ends with this message."""
        raise NotImplementedError

    # What is the same for all

    def _step_head(self, received: bytearray) -> Mismatch | bool:
        head, before = self._head, self._head.at
        fault = head.read(received) or (self._wrong_start() if head.started else None)
        if fault:
            return fault
        if head.complete and self._interim():
            head.restart()
        elif head.complete:
            return self._end_head()
        return head.at > before and head.at < len(received)

    def _end_head(self) -> Mismatch | bool:
        body = self._frame()
        if isinstance(body, Mismatch):
            return body
        self._body = body
        return self._wrong_header() or self._wrong_length() or True

    def _wrong_header(self) -> Mismatch | None:
        for name, rule in self._rules.headers:
            headers = self._head.values_of(name.lower())
            fault = _absent(name, rule, self._head.at) if not headers else None
            for header in headers:
                fault = fault or _misfit(name, rule, header.value, header.at)
            if fault:
                return fault
        return None

    def _wrong_length(self) -> Mismatch | None:
        """Whether Content-Length announces another body than the one that is required."""
        lengths = self._head.values_of("content-length")
        body = self._rules.body
        if not lengths or not isinstance(body, bytes) or self._head.values_of("transfer-encoding"):
            return None
        said = int(lengths[0].value.partition(b",")[0])
        if said == len(body):
            return None
        problem = f"its Content-Length is {said}, but the body that is required has {len(body)} bytes"
        return Mismatch(lengths[0].at, str(len(body)).encode(), problem)

    def _step_body(self, body: Body, received: bytearray, *, ended: bool) -> Mismatch | bool:
        took = body.take(received, ended=ended)
        return took if isinstance(took, Mismatch) else self._content.misfit(body) or took

    def _complete(self, body: Body) -> Complete | Mismatch:
        fault = self._content.misfit_at_end(body) if self._has_body() else None
        return fault or Complete(body.at, self._values(body), self._ends(body))

    def _values(self, body: Body) -> Mapping[str, Any]:
        head = self._head
        names = dict.fromkeys(header.name for header in head.headers)
        return {
            **self._said(),
            "version": head.start.version,
            "headers": {name: b", ".join(header.value for header in head.values_of(name)) for name in names},
            "body": bytes(body.body),
            "deviations": tuple(head.deviations),
        }

    def _lacking(self, received: bytearray) -> tuple[str, int]:
        if self._body is not None:
            return self._body.lacking
        if not received:
            return self._words, 0
        return ("the empty line behind its headers" if self._head.started else "the end of its first line"), 1


class _Content:
    """What recognises the body, asked whenever the body has grown and never again once it has decided."""

    def __init__(self, body: bytes | Reply | None) -> None:
        self._matching: Matching | None = None if body is None else as_reply(body).begin()
        self._length: int | None = None
        self._seen = 0

    def misfit(self, body: Body) -> Mismatch | None:
        """What is wrong with the body so far."""
        if len(body.body) == self._seen:
            return None
        self._seen = len(body.body)
        return self._look(body, ended=False)

    def misfit_at_end(self, body: Body) -> Mismatch | None:
        """What is wrong with it, all of which has come."""
        return self._look(body, ended=True)

    def _look(self, body: Body, *, ended: bool) -> Mismatch | None:
        if self._matching is None:
            return None
        if self._length is None:
            found = self._matching.match(body.body, ended=ended)
            if isinstance(found, Mismatch):
                at = None if found.at is None else body.place(found.at)
                return Mismatch(at, found.expected, found.problem or "this byte of its body is wrong")
            if isinstance(found, Incomplete):
                if not ended or (found.at_rest and not body.body):
                    return None
                return Mismatch(body.place(len(body.body)), "", f"its body lacks {found.lacking}")
            self._length = found.length
        if len(body.body) > self._length:
            return Mismatch(body.place(self._length), "the end of the body", "its body has more than is required")
        return None


def _absent(name: str, rule: Reply, at: int) -> Mismatch | None:
    """What is wrong with there being no such header."""
    without = rule.begin().match(bytearray(), ended=False)
    if isinstance(without, Incomplete) and without.at_rest:
        return None
    return Mismatch(at, f"the header {name}: {rule.words}", f"it has no header {name}")


def _misfit(name: str, rule: Reply, value: bytes, at: int) -> Mismatch | None:
    """What is wrong with the value of a header."""
    found = rule.begin().match(bytearray(value), ended=True)
    if isinstance(found, Complete) and found.length == len(value):
        return None
    expected = found.expected if isinstance(found, Mismatch) else rule.words
    wrong = (found.at or 0) if isinstance(found, Mismatch) else 0
    return Mismatch(at + wrong, expected, f"its header {name} is {quoted(value[:80])} instead of {rule.words}")
