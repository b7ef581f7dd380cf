"""Each recogniser keeps every law; and a recogniser that breaks one is told so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from grader.protocol.any_order import any_order
from grader.protocol.exactly import Exactly
from grader.protocol.form import form
from grader.protocol.frame import frame
from grader.protocol.http import http
from grader.protocol.http_request import http_request
from grader.protocol.judged import judged
from grader.protocol.laws import AskedOnce, decide, keeps_the_laws
from grader.protocol.nothing import nothing
from grader.protocol.reply import Complete, Decision, Incomplete, Mismatch, Reply
from grader.protocol.until import until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ASKED = b"GET /a.txt HTTP/1.1\r\nHost: localhost:80\r\n\r\n"
POSTED = b"POST /a?b=1 HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"
KEPT = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"
LENIENT = b"\r\nhttp/1.1  200OK\nA : b\n c\n  Content-Length:5\n\nhello"
PAGE = {"Content-Type": form(b"text/{:.+}", ending=b"")}


def _time(data: bytes) -> str | None:
    return None if data.isdigit() else "that is not a time"


class Kept(NamedTuple):
    """A recogniser and what is tried on it, as `keeps_the_laws` takes it."""

    reply: Reply
    right: list[bytes]
    wrong: list[bytes]
    long: bytes = b""
    bounded_bytes: int = 4096
    to_the_end: bool = False


RECOGNISERS = {
    "exactly": Kept(Exactly(b"hello world\n"), [b"hello world\n"], [b"hello\n", b"Hello world\n", b"hell"]),
    "exactly long": Kept(Exactly(bytes(1 << 16)), [bytes(1 << 16)], [b""], bounded_bytes=1 << 17),
    "form": Kept(
        form(b"HIGH", b"LOW", b"OK tries={n:[1-9][0-9]*}", at_most=1024),
        [b"HIGH\n", b"LOW\n", b"OK tries=12\n"],
        [b"high\n", b"OK tries=0\n", b"HIGH\r\n", b"LOW"],
        b"OK tries=" + b"1" * 1010 + b"\n",
    ),
    "form of several lines": Kept(
        form(b"{a}: {b:[^\r\n]*}\n.", b"{{x}}", ending=(b"\n", b"\r\n"), at_most=1024),
        [b"a: b\n.\r\n", b"a: : \n.\n", b"{x}\n"],
        [b": \n.\n"],
        b"a" * 1000 + b": b\n.\n",
    ),
    "form up to the end": Kept(
        form(b"{t:[0-9]{3,10}}{u:x?}", ending=b"", at_most=100),
        [b"1234567890", b"123x"],
        [b"12", b"12345678901", b"123y"],
        to_the_end=True,
    ),
    "until": Kept(
        until(b"\r\n.\r\n", at_most=2000), [b"a\r\n..\r\n.\r\n", b"\r\n.\r\n"], [b"\n.\n"], b"\r\n" * 900 + b".\r\n"
    ),
    "until, judged": Kept(
        until(b"\n", judge=_time, at_most=1000, words="a time"), [b"123\n"], [b"\n", b"x\n", b"1"], b"1" * 999 + b"\n"
    ),
    "any order": Kept(
        any_order([b"1\n", form(b"{n:[0-9]}"), b"", b"2\n", nothing, frame("!B"), b"2\n"]),
        [b"7\n1\n2\n\1x2\n", b"\0" + b"2\n" * 3 + b"1\n", b"1\n1\n\0002\n2\n"],
        [b"7\n8\n\0001\n2\n2\n", b"\0\0", b"1\n2\n2\n\0", b"1\n2\nx"],
        b"1\n2\n2\n\xff" + b"x" * 255 + b"3\n",
    ),
    "any order of what ends with the connection": Kept(
        any_order([b"a", judged(_time, "a time", at_most=1000)]), [b"a123"], [b"123a", b"ax", b"a"], to_the_end=True
    ),
    "frame": Kept(
        frame("!H", judge=lambda data: "it is no number" if data.isalpha() else None, at_most=2000),
        [b"\0\0", b"\0\x0212"],
        [b"\0\2ab", b"\xff\xff", b"\0"],
        b"\x07\xd0" + b"1" * 2000,
    ),
    "frame that counts itself": Kept(
        frame("<i", counts_itself=True, at_most=2000), [b"\4\0\0\0", b"\6\0\0\0ab"], [b"\3\0\0\0", b"\xff\xff\xff\xff"]
    ),
    "judged": Kept(judged(_time, "a time", at_most=1000), [b"123"], [b"", b"x"], b"1" * 1000, to_the_end=True),
    "http": Kept(
        http(200, headers=PAGE, body=b"hello"),
        [KEPT, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + KEPT],
        [LENIENT, KEPT.replace(b"5", b"4"), KEPT[:-1], KEPT.replace(b"200", b"404"), KEPT.replace(b"text", b"image")],
        bounded_bytes=1 << 18,
    ),
    "http of any kind": Kept(
        http(at_most=1 << 16),
        [KEPT, CHUNKED, LENIENT, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.0 404 \r\ncontent-length:0\r\n\r\n"],
        [b"<html>", b"HTTP/1.1 OK\r\n\r\n", HEAD + b"Content-Length: x\r\n\r\n", CHUNKED.replace(b"3;", b"2;")],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"10\r\n" + b"x" * 16 + b"\r\n",
        bounded_bytes=1 << 20,
    ),
    "http, strictly": Kept(
        http(strict=True, at_most=1000),
        [KEPT, CHUNKED],
        [LENIENT, KEPT.replace(b"\r\n", b"\n"), CHUNKED.replace(b"he\r\n", b"he\n")],
        bounded_bytes=1 << 18,
    ),
    "http up to the end": Kept(
        http(200, body=b"hello" * 100, at_most=2000),
        [HEAD + b"\r\n" + b"hello" * 100],
        [HEAD + b"\r\n" + b"hello" * 99, HEAD + b"\r\n" + b"hello" * 100 + b"!"],
        bounded_bytes=1 << 18,
        to_the_end=True,
    ),
    "http to HEAD": Kept(
        http(200, body=b"hello", head=True), [KEPT[:-5], HEAD + b"\r\n"], [b""], bounded_bytes=1 << 18
    ),
    "http request": Kept(
        http_request("GET", b"/a.txt", headers={"Host": form(b"localhost{:.*}", ending=b"")}),
        [ASKED, ASKED.replace(b"Host", b"User-Agent: x\r\nhost").replace(b"\r", b"")],
        [
            *(ASKED.replace(b"a.", b"b."), ASKED.replace(b"GET", b"HEAD"), ASKED.replace(b"local", b"other")),
            *(ASKED.replace(b"Host", b"Content-Length: 1\r\nHost") + b"!", ASKED.replace(b" HTTP/1.1", b"")),
        ],
        bounded_bytes=1 << 18,
    ),
    "http request with a body, strictly": Kept(
        http_request("POST", form(b"/a{:.*}", ending=b""), body=b"hello", strict=True),
        [POSTED, b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        [POSTED.replace(b" HTTP", b"  HTTP"), POSTED.replace(b"/a", b"/b"), POSTED.replace(b"hello", b"hallo")],
        bounded_bytes=1 << 18,
    ),
    "http with a recognised body": Kept(
        http(body=form(b"{n:[0-9]+}", ending=b"\n", at_most=1000)),
        [KEPT.replace(b"hello", b"1234\n")],
        [KEPT, KEPT.replace(b"hello", b"123\n!"), KEPT.replace(b"hello", b"12345")],
        bounded_bytes=1 << 18,
    ),
}


@pytest.mark.parametrize("name", RECOGNISERS)
def test_it_keeps_the_laws(name: str) -> None:
    kept = RECOGNISERS[name]
    tried = {key: value for key, value in kept._asdict().items() if key != "reply"}
    keeps_the_laws(AskedOnce(kept.reply), **tried, examples=40)


@pytest.mark.parametrize("name", ["http", "http with a recognised body"])
def test_it_asks_what_it_consists_of_once_only(name: str) -> None:
    inner = RECOGNISERS[name].reply
    body = AskedOnce(form(b"{:.*}", ending=(b"", b"\n")))
    for data in RECOGNISERS[name].right:
        assert decide(http(body=body), data, range(len(data)), end=False).after == len(data), inner.words


# The laws find out who breaks them.


class Broken:
    r"""A recogniser of `hello\n` that breaks a law: made of one function that has a state of its own."""

    words = "hello"

    def __init__(self, make: Callable[[], Callable[[bytearray, bool], Decision]]) -> None:
        self._make = make

    def begin(self) -> Any:
        decides = self._make()

        class Matching:
            def match(self, received: bytearray, *, ended: bool) -> Decision:
                return decides(received, ended)

        return Matching()


LACKING = Incomplete("more")


def _line(received: bytearray) -> Decision:
    """What is right: a line 'hello'."""
    return Exactly(b"hello\n").begin().match(received, ended=False)


def _too_soon() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: (
        Complete(len(received)) if b"hello".startswith(received[:5]) else Mismatch(0, "hello")
    )


def _takes_the_next() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: Complete(len(received)) if received[:6] == b"hello\n" else _line(received)


def _judges_by_pieces() -> Callable[[bytearray, bool], Decision]:
    seen = [0]

    def decides(received: bytearray, ended: bool) -> Decision:
        piece, seen[0] = received[seen[0] :], len(received)
        return Mismatch(len(received) - len(piece), "hello") if b"ll" in piece[:2] else _line(received)

    return decides


def _judges_late() -> Callable[[bytearray, bool], Decision]:
    """As h11 does with a line that is too long: only where its end has not come."""

    def decides(received: bytearray, ended: bool) -> Decision:
        stop = received.find(b"\n")
        if stop < 0:
            return Mismatch(5, b"\n", "it is too long") if len(received) > 5 else LACKING
        return Complete(stop + 1) if received[:stop] == b"hello" else Mismatch(0, b"hello")

    return decides


def _waits_forever() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: Complete(received.find(b"\n") + 1) if b"\n" in received else LACKING


def _takes_a_reset() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: Complete(len(received)) if received == b"hello\n" else LACKING


def _needs_too_much() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: Incomplete("x", 99) if b"hello".startswith(received) else _line(received)


def _changes_it() -> Callable[[bytearray, bool], Decision]:
    def decides(received: bytearray, ended: bool) -> Decision:
        decision = _line(received)
        received.clear()
        return decision

    return decides


def _says_nothing() -> Callable[[bytearray, bool], Decision]:
    return lambda received, ended: _line(received) if received.startswith(b"hello\n") else Incomplete("")


_SHARED = [0]


def _has_no_state_of_its_own() -> Callable[[bytearray, bool], Decision]:
    def decides(received: bytearray, ended: bool) -> Decision:
        _SHARED[0] = max(_SHARED[0], len(received))
        return _line(received) if _SHARED[0] == len(received) else Mismatch(0, "hello")

    return decides


def _disturbs_the_next() -> Callable[[bytearray, bool], Decision]:
    """What it has read so far is everybody's; a reply that begins begins it anew."""
    _SHARED[0] = 0

    def decides(received: bytearray, ended: bool) -> Decision:
        before, _SHARED[0] = _SHARED[0], len(received)
        return _line(received) if before < len(received) else Mismatch(0, "hello")

    return decides


@pytest.mark.parametrize(
    ("make", "told", "to_the_end"),
    [
        (_too_soon, "is not all of it", False),
        (_takes_the_next, "with the next reply behind it", False),
        (_judges_by_pieces, "byte by byte", False),
        (_judges_late, "when cut at", False),
        (_waits_forever, "has not decided", False),
        (_takes_a_reset, "is not all of it", True),
        (_needs_too_much, "needs more bytes than it does", False),
        (_changes_it, "has changed the bytes", False),
        (_says_nothing, "does not say what is lacking", False),
        (_has_no_state_of_its_own, "a second time", False),
        (_disturbs_the_next, "is disturbed by the", False),
    ],
)
def test_who_breaks_a_law_is_told(make: Any, told: str, to_the_end: bool) -> None:
    with pytest.raises(AssertionError, match=told):
        keeps_the_laws(Broken(make), [b"hello\n"], bounded_bytes=1000, to_the_end=to_the_end)


def test_who_takes_what_is_wrong_is_told() -> None:
    with pytest.raises(AssertionError, match="for a right reply"):
        keeps_the_laws(until(b"\n", at_most=100), [b"x\n"], wrong=[b"y\n"], bounded_bytes=1000)


@pytest.mark.parametrize(
    "look",
    [
        lambda received: received.find(b"\n"),
        lambda received: received[:].find(b"\n"),
        lambda received: bytes(received).find(b"\n"),
        lambda received: received.split(b"\n"),
        lambda received: b"\n" in received,
        list,
        lambda received: received == b"",
    ],
)
def test_who_looks_at_everything_each_time_is_told(look: Callable[[bytearray], object]) -> None:
    def make() -> Callable[[bytearray, bool], Decision]:
        matching = until(b"\n", at_most=20_000).begin()

        def decides(received: bytearray, ended: bool) -> Decision:
            look(received)
            return matching.match(received, ended=ended)

        return decides

    with pytest.raises(AssertionError, match="it looks at"):
        keeps_the_laws(Broken(make), [b"a" * 10_000 + b"\n"], bounded_bytes=21_000)


def test_who_asks_again_after_the_decision_is_told() -> None:
    matching = AskedOnce(Exactly(b"a")).begin()
    matching.match(bytearray(b"a"), ended=False)
    with pytest.raises(AssertionError, match="asked again"):
        matching.match(bytearray(b"ab"), ended=False)


# Nothing, which is no part of any reply.


def test_nothing_is_what_comes_when_nothing_comes() -> None:
    before = nothing.begin().match(bytearray(), ended=False)
    assert isinstance(before, Incomplete)
    assert before.at_rest == Complete(0)
    assert before == nothing.begin().match(bytearray(), ended=True)
    assert nothing.begin().match(bytearray(b"x"), ended=False) == Mismatch(0, "", "nothing may come back")


# What is captured, and what a student reads.


def test_values_are_what_was_captured() -> None:
    def values(reply: Reply, data: bytes) -> Any:
        decision = decide(reply, data, [], end=True).decision
        assert isinstance(decision, Complete), decision
        return decision.values

    assert values(form(b"OK {n:[0-9]+} {rest:.*}"), b"OK 12 a b \n") == {
        "n": b"12",
        "rest": b"a b ",
        "line": b"OK 12 a b ",
    }
    assert values(form(b"A {x}", b"B {y}"), b"B 1\n") == {"y": b"1", "line": b"B 1"}
    assert values(until(b"\n.\n"), b"a\n.\n") == {"data": b"a"}
    assert values(frame("!B", judge=lambda data: {"n": int(data)}), b"\x0212") == {
        "length": 2,
        "payload": b"12",
        "n": 12,
    }
    assert values(judged(lambda data: {"n": int(data)}, "a number"), b"12") == {"data": b"12", "n": 12}
    assert values(http_request("POST", b"/a?b=1", body=None), POSTED) == {
        "method": b"POST",
        "target": b"/a?b=1",
        "version": b"1.0",
        "headers": {"content-length": b"5"},
        "body": b"hello",
        "deviations": (),
    }
    assert values(http(), LENIENT) == {
        "status": 200,
        "reason": b"OK",
        "version": b"1.1",
        "headers": {"a": b"b c", "content-length": b"5"},
        "body": b"hello",
        "deviations": (
            "there is white space before the first line",
            r"a line ends with '\n' instead of '\r\n'",
            "HTTP is not written in capitals in the status line",
            "version, status code and reason are not separated by one space each in the status line",
            "there is a space between the name of a header and its colon",
            "a header goes on in the next line",
            "there is white space before the name of a header",
        ),
    }


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (form(b"HIGH", b"LOW", b"OK tries={n:[1-9][0-9]*}"), "a line 'HIGH', 'LOW' or 'OK tries=<n>'"),
        (form(b"{{{t}}}\\", ending=b""), r"'{<t>}\\'"),
        (until(b"\r\n"), r"anything up to '\r\n'"),
        (frame("!I"), "a length of 4 bytes and so many bytes"),
        (http(200), "an HTTP reply with status 200"),
        (
            http((301, 200), headers={"ETag": form(b'"{tag}"', ending=b"")}, body=b"x" * 99),
            "an HTTP reply with status 200 or 301, the header ETag: '\"<tag>\"' and a body of 99 bytes",
        ),
        (http(head=True), "an HTTP reply with a status line and headers"),
        (http_request("GET", b"/"), "an HTTP request GET '/'"),
        (http_request("POST", b"/", body=b"x"), "an HTTP request POST '/' with the body 'x'"),
        (nothing, "nothing"),
    ],
)
def test_words_say_what_is_expected(reply: Reply, words: str) -> None:
    assert reply.words == words


@pytest.mark.parametrize(
    ("reply", "data", "decision"),
    [
        (form(b"OK {n:[0-9]+}"), b"OK x", Mismatch(3, "a digit")),
        (form(b"OK {n:[0-9]+}"), b"OK 1x", Mismatch(4, r"a digit or '\n'")),
        (form(b"YES", b"NO"), b"NE", Mismatch(1, b"O\n")),
        (
            form(b"YES"),
            b"YES\r\n",
            Mismatch(3, b"\n", r"there is a '\r' before the '\n', which alone must end the line"),
        ),
        (
            form(b"YES", ending=b"\r\n"),
            b"YES\n",
            Mismatch(3, b"\r\n", r"the line ends with '\n', and must end with '\r\n'"),
        ),
        (form(b"YES"), b"YES", Incomplete(r"its line ending, '\n'")),
        (form(b"{x}", at_most=3), b"abcd", Mismatch(3, "", "it is longer than the 3 bytes that it may have")),
        (frame("!I"), b"\0\0\0\x03ab", Incomplete("1 byte of the 3 that its length says", 1)),
        (
            frame("!I", counts_itself=True),
            b"\0\0\0\0",
            Mismatch(0, "", "its length says 0, though it counts its own 4 bytes"),
        ),
        (judged(_time, "a time"), b"noon", Mismatch(None, "", "that is not a time")),
        (
            http(200),
            b"<html>",
            Mismatch(0, b"HTTP/", "it does not begin with a status line, such as 'HTTP/1.1 200 OK'"),
        ),
        (http(200), b"HTTP/1.1 404 N\r\n", Mismatch(9, "200", "its status is 404 instead of 200")),
        (http(200, body=b"hallo"), KEPT, Mismatch(len(KEPT) - 4, b"allo", "this byte of its body is wrong")),
        (
            http(200, body=b"hallo"),
            CHUNKED,
            Mismatch(
                CHUNKED.index(b"ello") if b"ello" in CHUNKED else CHUNKED.index(b"he\r") + 1,
                b"allo",
                "this byte of its body is wrong",
            ),
        ),
        (
            http(200, body=b"hell"),
            KEPT,
            Mismatch(KEPT.index(b"5"), b"4", "its Content-Length is 5, but the body that is required has 4 bytes"),
        ),
        (
            http(headers={"Content-Type": PAGE["Content-Type"]}),
            KEPT.replace(b"text/", b"image/"),
            Mismatch(31, b"text/", "its header Content-Type is 'image/plain' instead of 'text/<...>'"),
        ),
        (
            http(headers={"Server": b"x"}),
            KEPT,
            Mismatch(len(KEPT) - 5, "the header Server: 'x'", "it has no header Server"),
        ),
        (
            http(headers={"Content-Type": nothing}),
            KEPT,
            Mismatch(31, "", "its header Content-Type is 'text/plain' instead of nothing"),
        ),
        (
            http(),
            HEAD + b"<html>\r\n",
            Mismatch(len(HEAD), b"\r\n", "an empty line must separate the headers from the body: this is not a header"),
        ),
        (http_request("GET", b"/b"), ASKED, Mismatch(5, b"b", "its target is '/a.txt' instead of '/b'")),
        (
            http_request("GET", b"/"),
            b"PUT",
            Mismatch(0, b"GET ", "it does not begin with a request line, such as 'GET /index.html HTTP/1.1'"),
        ),
        (http(), KEPT[:-2], Incomplete("2 of the 5 bytes that Content-Length announces", 2)),
        (http(), HEAD, Incomplete("the empty line behind its headers", 1)),
        (
            http(strict=True),
            b"HTTP/1.1 200\r\n",
            Mismatch(0, "", "version, status code and reason are not separated by one space each in the status line"),
        ),
    ],
)
def test_what_a_student_is_told(reply: Reply, data: bytes, decision: Decision) -> None:
    assert decide(reply, data, [], end=True).decision == decision


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (form, "needs an alternative"),
        (lambda: form(b"{n:(a|b)}"), "can't be read"),
        (lambda: form(b"{n:[z-a]}"), "can't be read"),
        (lambda: form(b"{n:\\b}"), "can't be read"),
        (lambda: form(b"{n:a**}"), "can't be read"),
        (lambda: form(b"{n"), "can't be read"),
        (lambda: form(b"{}"), "without a name"),
        (lambda: form(b"{n}{n}"), "the name is taken"),
        (lambda: form(b"{line}"), "the name is taken"),
        (lambda: form(b"{n:a{9999}}"), "more than"),
        (lambda: until(b""), "needs a delimiter"),
        (lambda: frame("!d"), "not one whole number"),
        (lambda: frame("!II"), "not one whole number"),
        (lambda: frame("!?!"), "is not understood"),
    ],
)
def test_an_author_is_told_what_is_wrong(make: Callable[[], Reply], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        make()
