"""What only an HTTP client does: what it asks for, and where a reply ends."""

from __future__ import annotations

import random

from msgspec.structs import replace
from protocol import OUTPUT, failed, in_chunks, reply, stored

from grader import Answer, TcpClients, Visit, behaviour, random_letters

_NO_URLS = ("ftp://{host}:{port}/page.html", "{host}:{port}", "page.html")


def _whole(path: str, body: bytes, **headers: str) -> Visit:
    visit: Visit = stored(path, body, reply(body, {"Content-Length": f"{len(body)}", **headers}))
    return visit


@behaviour(
    does="the client is started with arguments that are not URLs with http:",
    proves="it has exited, and no connection was made",
    catches="any text taken apart as a URL, a traceback, exit status 0",
    hint="Look whether the argument begins with http:// before you take it apart; if not, say so on stderr and exit "
    "with status 1.",
)
def test_bad_url_reported(tcp_clients: TcpClients) -> None:
    """Reports an argument that is not an HTTP URL"""
    for text in _NO_URLS:
        tcp_clients.play(Visit((), fill={"url": text}, status=None))


@behaviour(
    does="URLs with a file in folders, with a query, with a fragment, and with a path of 600 letters",
    proves="the request was received whole",
    catches="only the last part of the path asked for, the query left out, the fragment sent, a path or a request that "
    "is cut to the size of a buffer",
    hint="The target is everything from the slash after the port up to the end or to a #, however long that is.",
)
def test_path_and_query(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Asks for the whole path with its query, and without a fragment"""
    name = random_letters(rng, 6).decode()
    long = f"/{name * 100}"
    for path in (f"/a/b/{name}.html", f"/search?q={name}&page=2", f"/?{name}", f"/page.html#{name}", long):
        tcp_clients.play(_whole(path, b"found\n"))


@behaviour(
    does="a URL that ends with the port",
    proves="the request was received whole",
    catches="an empty target in the request line, a crash where no slash is found",
    hint="If nothing follows the port, the target is /.",
)
def test_asks_for_the_root(tcp_clients: TcpClients) -> None:
    """Asks for / if the URL has no path"""
    tcp_clients.play(_whole("", b"welcome\n"))


@behaviour(
    does="replies whose Content-Length is written in other ways, between headers that look like it",
    proves="the reply arrived whole, and the connection stays open",
    catches="header names compared with upper and lower case, exactly one space expected after the colon, a header "
    "that only ends like Content-Length believed",
    hint="Names of headers are the same in upper and lower case: bring both to the same case, compare the whole name, "
    "and strip spaces from the value.",
)
def test_header_names_in_any_case(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Reads header names in any case"""
    body = random_letters(rng, 75)
    for line in ("content-length:75", "CONTENT-LENGTH:    75", "Content-length: 75"):
        name, _, value = line.partition(":")
        headers = {"X-Content-Length": " 7", "Content-Language": " en", name: value, "Content-Length-Note": " 5000"}
        lines = ("HTTP/1.1 200 OK", *(f"{key}:{words}" for key, words in headers.items()), "", "")
        tcp_clients.play(stored("/page.html", body, "\r\n".join(lines).encode() + body))


@behaviour(
    does="a reply with Content-Length: 0",
    proves="the reply arrived whole, and the connection stays open",
    catches="waiting for a body that doesn't come, no file written",
    hint="A body of 0 bytes is complete as soon as the head is: write an empty file.",
)
def test_empty_body(tcp_clients: TcpClients) -> None:
    """Stores an empty body"""
    tcp_clients.play(_whole("/empty.txt", b""))


@behaviour(
    does="replies in several chunks, with lengths in small and in capital letters, with something behind a length, and "
    "byte by byte; the chunks hold line endings and what looks like a length",
    proves="the reply arrived as told, and the connection stays open",
    catches="the lengths stored with the body, decimal lengths, chunks read as lines, waiting for the server to close",
    hint="Read the line with the length (hexadecimal, up to a semicolon if there is one), then exactly that many bytes "
    "and CRLF, until a length is 0.",
)
def test_chunked(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Puts a body together that comes in chunks"""
    chunks = (random_letters(rng, 26), b"\r\n", b"5\r\nhello\r\n", random_letters(rng, 300), b"0\r\n\r\n")
    head = reply(b"", {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"})
    for lengths in ("{:x}", "{:X}", "{:x};name=value"):
        tcp_clients.play(stored("/list", b"".join(chunks), head + in_chunks(*chunks, lengths=lengths)))
    slowly = stored("/list", b"".join(chunks), head + in_chunks(*chunks))
    (turn,) = slowly.turns
    tcp_clients.play(replace(slowly, turns=(replace(turn, how=Answer.IN_BYTES),)))


@behaviour(
    does="a reply without a length, after which the server closes the connection",
    proves="the reply arrived whole, then the FIN",
    catches="no body stored where no length is given, an endless loop at the end of the connection",
    hint="Without Content-Length and chunks the body is everything until recv returns {Python: b''}{C: 0}{Java: -1}.",
)
def test_until_the_end(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Stores a body that ends with the connection"""
    body = random_letters(rng, 3000)
    tcp_clients.play(stored("/old", body, reply(body, {"Content-Type": "text/plain"}), hangs_up=True))


@behaviour(
    does="replies with the statuses 404, 206 and 301",
    proves="the reply arrived whole; the program has exited",
    catches="the error page stored as if it were the file, exit status 0",
    hint="Read the number in the status line first; unless it is 200, print it on stderr and exit with status 1, "
    "without writing the file.",
)
def test_other_status(tcp_clients: TcpClients) -> None:
    """Reports another status than 200"""
    for status in ("404 Not Found", "206 Partial Content", "301 Moved Permanently"):
        body = b"<h1>no</h1>\n"
        visit = failed(reply(body, {"Content-Length": f"{len(body)}", "Location": "/"}, status))
        tcp_clients.play(replace(visit, complaint=status[:3].encode(), written={OUTPUT: None}))


@behaviour(
    does="a mail server's greeting instead of a reply",
    proves="it arrived whole, then the FIN",
    catches="a traceback or a crash where the status line is taken apart, exit status 0",
    hint="Look whether the reply begins with HTTP/1. before you take its first line apart.",
)
def test_no_http_reported(tcp_clients: TcpClients) -> None:
    """Reports that what it got is not HTTP"""
    tcp_clients.play(failed(b"220 mail.example ESMTP ready\r\n"))
    tcp_clients.play(failed(b"hello\n"))


@behaviour(
    does="the connection ends in the middle of a chunk, and before the last chunk",
    proves="everything before that arrived, then the FIN",
    catches="the part of a body taken for all of it",
    hint="A body in chunks is complete when the chunk of length 0 has arrived, and not when the connection ends.",
)
def test_chunked_cut_short(tcp_clients: TcpClients, rng: random.Random) -> None:
    """Notices that the last chunk is missing"""
    head = reply(b"", {"Transfer-Encoding": "chunked"})
    body = in_chunks(random_letters(rng, 200))
    tcp_clients.play(failed(head + body[:100]))
    tcp_clients.play(failed(head + body[: -len(b"0\r\n\r\n")]))
