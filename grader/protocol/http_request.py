"""HTTP requests, which a scripted server hears: `http_request("GET", b"/index.html", headers={"Host": ...})`.

Rules: RFC 9112, section 3 (request line).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from grader.limits import REPLY_BYTES
from grader.protocol.exactly import as_reply
from grader.protocol.http_body import Body, ByLength, body_of
from grader.protocol.http_head import Head
from grader.protocol.http_message import Receiving, Rules, listed, rules_of
from grader.protocol.reply import Complete, Mismatch, Reply, quoted

_REQUEST_LINE: Final = re.compile(rb"([^ \t]+)[ \t]+([^ \t]+)[ \t]+(?i:HTTP)/(\d+(?:\.\d)?)[ \t]*")
#: What holds for a right request line, and what is wrong with one for which it doesn't.
_RULES: Final = (
    (re.compile(rb"[A-Z]+[ \t]"), "the method is not written in capitals"),
    (re.compile(rb".*HTTP/1\.[01][ \t]*\Z"), "the version in the request line is neither HTTP/1.1 nor HTTP/1.0"),
    (
        re.compile(rb"[^ \t]+ [^ \t]+ [^ \t]+\Z"),
        "the three words of the request line are not separated by one space each",
    ),
)


class HttpRequest(msgspec.Struct, frozen=True):
    """An HTTP request; made by `http_request`."""

    method: str
    target: Reply
    rules: Rules

    @property
    def words(self) -> str:
        rules = msgspec.structs.replace(self.rules, body=self.rules.body or None)  # no body is what is usual
        more = f" with {listed(rules.words)}" if rules.words else ""
        return f"an HTTP request {self.method} {self.target.words}{more}"

    def begin(self) -> _Request:
        return _Request(self)


def http_request(
    method: str,
    target: bytes | Reply,
    *,
    headers: Mapping[str, bytes | Reply] | None = None,
    body: bytes | Reply | None = b"",
    strict: bool = False,
    at_most: int = REPLY_BYTES,
) -> HttpRequest:
    """An HTTP request with this method for this target: exactly these bytes, or a `form` with `ending=b""`.

    `headers`, `body`, `strict` and `at_most` as in `http`.  A request whose head has neither a Content-Length nor a
    Transfer-Encoding has no body.  Its values: `method`, `target`, `version`, `headers`, `body` and `deviations`.
    """
    return HttpRequest(method, as_reply(target), rules_of(headers, body, at_most, strict=strict))


class _RequestLine:
    """GET /index.html HTTP/1.1"""

    def __init__(self, method: str) -> None:
        self.beginning = method.encode() + b" "
        self.wanted = f"it does not begin with a request line, such as '{method} /index.html HTTP/1.1'"
        self.version = b""
        self.method = b""
        self.target = b""
        self.target_at = 0

    def take(self, line: bytes, at: int, deviates: Callable[[str, int], None]) -> Mismatch | None:
        parts = _REQUEST_LINE.fullmatch(line)
        if parts is None:
            problem = f"a request line has three words, a method, a target and a version, and not {quoted(line[:80])}"
            return Mismatch(at, "", problem)
        self.method, self.target, self.version = parts[1], parts[2], parts[3]
        self.target_at = at + parts.start(2)
        for rule, words in _RULES:
            if not rule.match(line):
                deviates(words, at)
        return None


class _Request(Receiving):
    def __init__(self, request: HttpRequest) -> None:
        self._line = _RequestLine(request.method)
        self._request = request
        super().__init__(request.rules, Head(self._line), request.words)

    def _wrong_start(self) -> Mismatch | None:
        found = self._request.target.begin().match(bytearray(self._line.target), ended=True)
        if isinstance(found, Complete) and found.length == len(self._line.target):
            return None
        wanted = self._request.target.words
        at = self._line.target_at + ((found.at or 0) if isinstance(found, Mismatch) else 0)
        expected = found.expected if isinstance(found, Mismatch) else wanted
        return Mismatch(at, expected, f"its target is {quoted(self._line.target[:80])} instead of {wanted}")

    def _interim(self) -> bool:
        return False

    def _frame(self) -> Body | Mismatch:
        return body_of(self._head, self._request.rules.at_most, bodiless=False, unframed=ByLength(self._head.at, 0))

    def _has_body(self) -> bool:
        return True

    def _said(self) -> Mapping[str, Any]:
        return {"method": self._line.method, "target": self._line.target}

    def _ends(self, body: Body) -> bool:  # noqa: ARG002 — a request never ends by the connection's end
        """The client may say that it is its last one."""
        return b"close" in self._head.tokens_of("connection")
