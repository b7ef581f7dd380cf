"""Two of the recognisers beside readers that others wrote: forms beside `re`, HTTP beside h11."""

from __future__ import annotations

import re

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.protocol.form import form
from grader.protocol.http import http
from grader.protocol.laws import decide
from grader.protocol.reply import Complete

#: A form, and the regular expression that it is.
FORMS = {
    b"{a:[ab]*}{b:b?}{c:[a-c]+}": rb"(?P<a>[ab]*)(?P<b>b?)(?P<c>[a-c]+)\n",
    b"a{a:[ab]{2,3}}{b:a{2}}{c:.*}": rb"a(?P<a>[ab]{2,3})(?P<b>a{2})(?P<c>.*)\n",
    b"{a:b*}{b:[^b]*}{c:\\x62{0,}}a": rb"(?P<a>b*)(?P<b>[^b]*)(?P<c>b*)a\n",
    b"{{{a:a?}{b:a?}{c:a?}}}": rb"\{(?P<a>a?)(?P<b>a?)(?P<c>a?)\}\n",
}


@pytest.mark.parametrize("template", FORMS)
@given(st.text("abc{}\r", max_size=10).map(str.encode))
def test_a_form_takes_the_lines_that_a_regular_expression_takes(template: bytes, text: bytes) -> None:
    found = decide(form(template), text + b"\n", [], end=True).decision
    same = re.fullmatch(FORMS[template], text + b"\n")
    assert isinstance(found, Complete) == bool(same)
    if same and isinstance(found, Complete):
        assert {name: found.values[name] for name in ("a", "b", "c")} == same.groupdict()


HEADS = st.sampled_from(
    [b"Content-Length: %d\r\n", b"content-length:%d\r\nX: y\r\n", b"Transfer-Encoding: Chunked\r\n", b""]
)


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """An HTTP reply in one of the three framings, sometimes wrong, and what comes behind it."""
    body = draw(st.binary(max_size=30))
    head = draw(HEADS)
    if b"%d" in head:
        head %= max(0, len(body) + draw(st.sampled_from([0, 0, -1, 2])))
    if head.startswith(b"T"):
        cut = draw(st.integers(1, 31))
        chunks = [body[at : at + cut] for at in range(0, len(body), cut)] + [b""]
        body = b"".join(
            b"%x\r\n%s\r\n" % (max(0, len(chunk) + draw(st.sampled_from([0] * 8 + [1]))), chunk) for chunk in chunks
        )
    return b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body


@given(replies())
def test_http_reads_the_bodies_that_h11_reads(data: bytes) -> None:
    found = decide(http(strict=True), data, [], end=True).decision
    assert (found.values["body"] if isinstance(found, Complete) else None) == _by_h11(data)


def _by_h11(data: bytes) -> bytes | None:
    """The body of the first reply, and the connection's end behind it; None: it is wrong, or not all of it came."""
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    peer.send(h11.EndOfMessage())
    body = b""
    try:
        for piece in (data, b""):
            peer.receive_data(piece)
            while isinstance(event := peer.next_event(), (h11.Response, h11.Data)):
                body += bytes(event.data) if isinstance(event, h11.Data) else b""
            if isinstance(event, h11.EndOfMessage):
                return body
    except h11.RemoteProtocolError:
        return None
    return None
