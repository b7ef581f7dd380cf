"""HTTP replies: `http(200, headers={"Content-Type": form(b"text/html{:.*}", ending=b"")}, body=page)`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.exactly import as_reply
from grader.protocol.http_body import Body, ToTheEnd, body_of
from grader.protocol.http_head import Head
from grader.protocol.reply import Complete, Decision, Incomplete, Matching, Mismatch, Reply, either, quoted

#: A body is named by its bytes up to so many of them, and by its length beyond.
_BODY_SHOWN = 40


class Http(msgspec.Struct, frozen=True):
    """An HTTP reply; made by `http`."""

    statuses: frozenset[int]
    headers: tuple[tuple[str, Reply], ...]
    body: bytes | Reply | None
    strict: bool
    head: bool
    at_most: int

    @property
    def words(self) -> str:
        parts = [f"status {either(map(str, sorted(self.statuses)))}"] if self.statuses else []
        parts += [f"the header {name}: {value.words}" for name, value in self.headers]
        parts += [self._body_words] if self.body is not None and not self.head else []
        *most, last = parts or ["a status line and headers"]
        return f"an HTTP reply with {', '.join(most) + ' and ' if most else ''}{last}"

    @property
    def _body_words(self) -> str:
        if not isinstance(self.body, bytes):
            return f"as its body {as_reply(self.body or b'').words}"
        if not self.body:
            return "an empty body"
        return f"the body {quoted(self.body)}" if len(self.body) <= _BODY_SHOWN else f"a body of {len(self.body)} bytes"

    def begin(self) -> _HttpReply:
        return _HttpReply(self)


def http(
    status: int | Collection[int] = (),
    *,
    headers: Mapping[str, bytes | Reply] | None = None,
    body: bytes | Reply | None = None,
    strict: bool = False,
    head: bool = False,
    at_most: int = REPLY_BYTES,
) -> Http:
    """An HTTP reply with one of these statuses; empty: with any.

    `headers`: by name, in any case, what the value must be: exactly these bytes, a `form` with `ending=b""`, or
    `nothing`, where there must not be such a header.  `body`: the bytes that it must have, or what recognises them, a
    connection's end being the body's.  `strict`: what a browser forgives is a mismatch too.  `head`: it is the reply to
    a HEAD request: no body comes, and a Content-Length, if there is one, is that of `body`.  `at_most`: bytes that the
    body may have.

    Its values: `status`, `reason`, `version` (b"1.1"), `headers` (by name in lower case, several of one name joined by
    commas), `body`, and `deviations`, a sentence for each thing that a browser forgives.
    """
    statuses = frozenset({status} if isinstance(status, int) else status)
    rules = tuple((name, as_reply(value)) for name, value in (headers or {}).items())
    return Http(statuses, rules, body, strict, head, at_most)


class _HttpReply:
    """One reply being received: its head line by line, then its body step by step.

    After each step it is looked for what is wrong up to there, and so in the order of the bytes.
    """

    def __init__(self, http_: Http) -> None:
        self._http = http_
        self._head = Head()
        self._body: Body | None = None
        self._content = _Content(http_)

    def match(self, received: bytearray, *, ended: bool) -> Decision:
        while True:
            body = self._body
            stepped = self._step_head(received) if body is None else self._step_body(body, received, ended=ended)
            if isinstance(stepped, Mismatch):
                return stepped
            if self._http.strict and self._head.deviations:
                words, at = next(iter(self._head.deviations.items()))
                return Mismatch(at, "", words)
            if self._body is not None and self._body.complete:
                return self._complete(self._body)
            if not stepped:
                return Incomplete(*self._lacking(received))

    def _step_head(self, received: bytearray) -> Mismatch | bool:
        head, before = self._head, self._head.at
        fault = head.read(received) or self._wrong_status()
        if fault:
            return fault
        if head.complete and self._interim:
            head.restart()
        elif head.complete:
            return self._end_head()
        return head.at > before and head.at < len(received)

    @property
    def _interim(self) -> bool:
        """Whether another reply must follow this one, as behind '100 Continue' (RFC 9110, section 15.2)."""
        return 100 <= self._head.status < 200 and self._head.status != 101 and not self._wanted

    @property
    def _wanted(self) -> bool:
        return self._head.status in self._http.statuses

    def _wrong_status(self) -> Mismatch | None:
        statuses = self._http.statuses
        if not self._head.status or not statuses or self._wanted or self._interim:
            return None
        wanted = either(map(str, sorted(statuses)))
        return Mismatch(self._head.status_at, wanted, f"its status is {self._head.status} instead of {wanted}")

    def _end_head(self) -> Mismatch | bool:
        body = body_of(self._head, self._http.at_most, asked_head=self._http.head)
        if isinstance(body, Mismatch):
            return body
        self._body = body
        return self._wrong_header() or self._wrong_length() or True

    def _wrong_header(self) -> Mismatch | None:
        for name, rule in self._http.headers:
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
        body = self._http.body
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
        fault = None if self._http.head else self._content.misfit_at_end(body)
        return fault or Complete(body.at, self._values(body), self._ends(body))

    def _values(self, body: Body) -> Mapping[str, Any]:
        head = self._head
        names = dict.fromkeys(header.name for header in head.headers)
        return {
            "status": head.status,
            "reason": head.reason,
            "version": head.version,
            "headers": {name: b", ".join(header.value for header in head.values_of(name)) for name in names},
            "body": bytes(body.body),
            "deviations": tuple(head.deviations),
        }

    def _ends(self, body: Body) -> bool:
        """Whether the connection ends with this reply (RFC 9112, section 9.3)."""
        options = self._head.tokens_of("connection")
        kept = self._head.version != b"1.0" or b"keep-alive" in options
        return b"close" in options or not kept or isinstance(body, ToTheEnd)

    def _lacking(self, received: bytearray) -> tuple[str, int]:
        if self._body is not None:
            return self._body.lacking
        if not received:
            return self._http.words, 0
        return ("the empty line behind its headers", 1) if self._head.status else ("the end of its status line", 1)


class _Content:
    """What recognises the body, asked whenever the body has grown and never again once it has decided."""

    def __init__(self, http_: Http) -> None:
        self._matching: Matching | None = None if http_.body is None else as_reply(http_.body).begin()
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
