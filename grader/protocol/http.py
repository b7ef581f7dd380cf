"""HTTP replies: `http(200, headers={"Content-Type": form(b"text/html{:.*}", ending=b"")}, body=page)`.

Rules: RFC 9112, section 4 (status line); RFC 9110, section 15 (statuses).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.exactly import examples_of
from grader.protocol.http_body import Body, ToTheEnd, body_of
from grader.protocol.http_head import CONTROLS, Head
from grader.protocol.http_message import Receiving, Rules, listed, rules_of
from grader.protocol.nothing import nothing
from grader.protocol.reply import Mismatch, Reply, either, quoted

#: Statuses whose replies never have a body, besides interim ones.
_BODILESS: Final = frozenset({204, 304})
_STATUS_LINE: Final = re.compile(rb"(?i:HTTP)/(\d+(?:\.\d)?)[ \t]*(\d{3})(?!\d)[ \t]*(.*)", re.DOTALL)
#: What holds for a right status line, and what is wrong with one for which it doesn't.
_RULES: Final = (
    (re.compile(rb"HTTP"), "HTTP is not written in capitals in the status line"),
    (re.compile(rb"(?i:HTTP)/1\.[01](?!\d\d\d\d)"), "the version in the status line is neither HTTP/1.1 nor HTTP/1.0"),
    (
        re.compile(rb"[^ \t]+ \d{3} (?![ \t])"),
        "version, status code and reason are not separated by one space each in the status line",
    ),
    (re.compile(rb"(?!.*" + CONTROLS.pattern + rb")", re.DOTALL), "there is a control character in the status line"),
)


class Http(msgspec.Struct, frozen=True):
    """An HTTP reply; made by `http`."""

    statuses: frozenset[int]
    rules: Rules
    head: bool

    @property
    def words(self) -> str:
        parts = [f"status {either(map(str, sorted(self.statuses)))}"] if self.statuses else []
        parts += (msgspec.structs.replace(self.rules, body=None) if self.head else self.rules).words
        return f"an HTTP reply with {listed(parts or ['a status line and headers'])}"

    @property
    def examples(self) -> tuple[bytes, ...]:
        """One with its least status, if examples of its values and of its body are known (`rehearsal.py`)."""
        headers = {name: examples_of(value) for name, value in self.rules.headers if value != nothing}
        bodies = (b"",) if self.rules.body is None else examples_of(self.rules.body)
        if not bodies or not all(headers.values()):
            return ()
        status, body = min(self.statuses, default=200), bodies[0]
        lines = [b"HTTP/1.1 %d Example" % status, *(b"%b: %b" % (name.encode(), headers[name][0]) for name in headers)]
        if status not in _BODILESS and not {"content-length", "transfer-encoding"} & {name.lower() for name in headers}:
            lines.append(b"Content-Length: %d" % len(body))
        return (b"\r\n".join([*lines, b"", b""]) + (b"" if self.head or status in _BODILESS else body),)

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
    return Http(statuses, rules_of(headers, body, at_most, strict=strict), head)


class _StatusLine:
    """HTTP/1.1 200 OK"""

    beginning = b"HTTP/"
    wanted = "it does not begin with a status line, such as 'HTTP/1.1 200 OK'"

    def __init__(self) -> None:
        self.version = b""
        self.status = 0
        self.status_at = 0
        self.reason = b""

    def take(self, line: bytes, at: int, deviates: Callable[[str, int], None]) -> Mismatch | None:
        parts = _STATUS_LINE.match(line)
        if parts is None:
            at += len(self.beginning)
            return Mismatch(at, "", f"there is no status code of three digits in {quoted(line[:80])}")
        self.version, self.status, self.reason = parts[1], int(parts[2]), parts[3]
        self.status_at = at + parts.start(2)
        for rule, words in _RULES:
            if not rule.match(line):
                deviates(words, at)
        return None


class _HttpReply(Receiving):
    def __init__(self, http_: Http) -> None:
        self._line = _StatusLine()
        self._http = http_
        super().__init__(http_.rules, Head(self._line), http_.words)

    @property
    def _wanted(self) -> bool:
        return self._line.status in self._http.statuses

    def _wrong_start(self) -> Mismatch | None:
        statuses = self._http.statuses
        if not statuses or self._wanted or self._interim():
            return None
        wanted = either(map(str, sorted(statuses)))
        return Mismatch(self._line.status_at, wanted, f"its status is {self._line.status} instead of {wanted}")

    def _interim(self) -> bool:
        """As behind '100 Continue' (RFC 9110, section 15.2)."""
        return 100 <= self._line.status < 200 and self._line.status != 101 and not self._wanted

    def _frame(self) -> Body | Mismatch:
        bodiless = self._http.head or self._line.status in _BODILESS or self._line.status < 200
        at_most = self._http.rules.at_most
        return body_of(self._head, at_most, bodiless=bodiless, unframed=ToTheEnd(self._head.at, at_most))

    def _has_body(self) -> bool:
        return not self._http.head

    def _said(self) -> Mapping[str, Any]:
        return {"status": self._line.status, "reason": self._line.reason}

    def _ends(self, body: Body) -> bool:
        """RFC 9112, section 9.3."""
        options = self._head.tokens_of("connection")
        kept = self._line.version != b"1.0" or b"keep-alive" in options
        return b"close" in options or not kept or isinstance(body, ToTheEnd)
