"""What only a web server does: which file it sends, how a reply is made up, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grader import Connect, Exchange, Reason, Reply, StreamProtocol, behaviour, fail, form, http, judged

_FILES = Path(__file__).parent / "files"
_WWW = _FILES / "www"
_REFUSED = (400, 403, 404)
#: What Content-Type must begin with.
_TYPES = {
    "index.html": b"text/html",
    "notes/1.txt": b"text/plain",
    "style.css": b"text/css",
    "page.v2.html": b"text/html",
    "logo.png": b"image/png",
    "photo.jpg": b"image/jpeg",
    "archive.bin": b"application/octet-stream",
}
#: Ways out of the document root, each to a file that exists.
_WAYS_OUT = (
    "/../secret.txt",
    "/notes/../../secret.txt",
    "/notes/../../www-private/keys.txt",
    "/../www-private/keys.txt",
    "/%2e%2e/secret.txt",
    "/%2E%2e/www-private/keys.txt",
    "/..%2fsecret.txt",
    "/notes/..%2F..%2Fsecret.txt",
    "/./../secret.txt",
    "//../secret.txt",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/../../../../../../../../../../etc/passwd",
)
#: A line of one word, one of four, none at all, and a header without a colon.
_NO_REQUESTS = (
    b"GET\r\nHost: localhost\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"Host: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nhello\r\n\r\n",
)
#: Names of nothing, and the file that each is taken for if it is decoded as in a form, before the query is cut off, or
#: twice.
_TAKEN_FOR = {
    "/two+words.txt": "two words.txt",
    "/style.css%3Fnew": "style.css",
    "/two%2520words.txt": "two words.txt",
}
_CURL = ("User-Agent: curl/8.5.0", "Accept: */*")
_FIREFOX = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Connection: keep-alive",
    "Cookie: theme=dark; id=" + "0123456789abcdef" * 100,
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
)


def _request(target: str, *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join((f"{method} {target} {version}", "Host: localhost", *headers, "", "")).encode()


def _ask_each(connect: Connect, *exchanges: Exchange) -> None:
    """Each on a connection of its own, which the server may close after its reply or not."""
    __tracebackhide__ = True
    for exchange in exchanges:
        with connect() as client:
            client.ask(exchange)


def _content(name: str) -> bytes:
    return (_WWW / name).read_bytes()


def _get(name: str, reply: Reply | None = None) -> Exchange:
    """A request for a file, and the reply; otherwise the status and the body."""
    return Exchange(_request(f"/{name}"), reply or http(200, body=_content(name)))


@behaviour(
    does="requests for / and for a folder below it, both with a slash at the end",
    proves="nothing to prove",
    catches="a folder opened like a file, a listing instead of index.html",
    hint="If the path names a folder, send the file index.html in it.",
)
def test_serves_index(connect: Connect) -> None:
    """Sends index.html for a folder"""
    folders = {"/": "index.html", "/shop/": "shop/index.html"}
    _ask_each(connect, *(Exchange(_request(path), http(200, body=_content(name))) for path, name in folders.items()))


@behaviour(
    does="requests for an image, a photo, and a file with every byte value and with an empty line in it",
    proves="nothing to prove",
    catches="files opened as text, C string functions on their content, line endings translated",
    hint="A file is bytes, not text{Python: : open(path, 'rb')}{C: : fread and write with the number of bytes, not "
    "strlen}. Don't decode it and don't print it.",
)
def test_binary_files(connect: Connect) -> None:
    """Sends files unchanged that are not text"""
    _ask_each(connect, _get("logo.png"), _get("photo.jpg"), _get("archive.bin"))


@behaviour(
    does="a request for an empty file",
    proves="nothing to prove",
    catches="an empty file taken for one that doesn't exist, a reply without a length",
    hint="An empty file exists: status 200, Content-Length: 0, and no body.",
)
def test_empty_file(connect: Connect) -> None:
    """Sends an empty file"""
    _ask_each(connect, _get("empty.txt"))


@behaviour(
    does="a request for a file of a mebibyte",
    proves="nothing to prove",
    catches="send that takes only a part, a buffer of fixed size for the file",
    hint="send may take only part of the data: use sendall, or a loop. A file may be larger than your buffer.",
)
def test_large_file(connect: Connect) -> None:
    """Sends a large file completely"""
    _ask_each(connect, _get("numbers.txt"))


@behaviour(
    does="requests with a query after the path: ?, ?a=b, one with slashes and dots, one with another question mark",
    proves="nothing to prove",
    catches="the query taken for a part of the file's name",
    hint="The path ends at the first question mark; ignore the rest.",
)
def test_query_ignored(connect: Connect) -> None:
    """Ignores the query behind a path"""
    style = http(200, body=_content("style.css"))
    queries = ("?", "?v=2", "?from=/../shop/&page=1.html", "?a?b")
    _ask_each(connect, *(Exchange(_request(f"/style.css{query}"), style) for query in queries))


@behaviour(
    does="requests in which a space, a letter and a dot are written as %20, %74 and %2e; then for files that don't "
    "exist, with a + where a space would make it one, with a question mark that is written as %3F, and with a % that "
    "is written as %25",
    proves="nothing to prove",
    catches="a path that is not decoded, or only its spaces; a + taken for a space, as in forms; a path that is "
    "decoded before its query is cut off, or twice",
    hint="In a path %20 stands for the byte 0x20, and so on: cut off the query first, and decode what is left, once, "
    "before you look for the file{Python:  (urllib.parse.unquote)}{Go:  (url.PathUnescape)}. A + is a +: that it "
    "stands for a space is so in forms only{Python: , for which there is unquote_plus}{Java: , for which "
    "there is URLDecoder: replace + by %2B before you give it a path}.",
)
def test_percent_decoded(connect: Connect) -> None:
    """Decodes %20 and the like in a path"""
    paths = {"/two%20words.txt": "two words.txt", "/s%74yle%2Ecss": "style.css"}
    _ask_each(connect, *(Exchange(_request(path), http(200, body=_content(name))) for path, name in paths.items()))
    # How a file is reported that does not exist is tried elsewhere: a reply need only not be the other file, and over
    # HTTP/1.0 it ends even if its length is missing.
    for path, name in _TAKEN_FOR.items():
        other = judged(_judge_other_than(name), f"anything but the file {name}")
        _ask_each(connect, Exchange(_request(path, version="HTTP/1.0"), http(body=other)))


def _judge_other_than(name: str) -> Callable[[bytes], str | None]:
    def judge(body: bytes) -> str | None:
        return f"it is the file {name}" if body == _content(name) else None

    return judge


@behaviour(
    does="requests for files that don't exist, in the root, in a folder, and in a folder that doesn't exist",
    proves="nothing to prove",
    catches="an exception that closes the connection, 200 with an error page, a reply without a length",
    hint="If there is no such file, reply with status 404 and a short body, and its Content-Length.",
)
def test_not_found(connect: Connect) -> None:
    """Replies 404 if there is no such file"""
    targets = ("/nothing.txt", "/notes/13.txt", "/no/such/folder/", "/style.css.bak")
    _ask_each(connect, *(Exchange(_request(target), http(404)) for target in targets))


@behaviour(
    does="requests for files outside the document root that exist, by .., by %2e%2e and %2f, by an absolute path; each "
    "from a client of its own",
    proves="each of the files exists and can be read by the program",
    catches="the root and the path joined as strings, a check before decoding, a check of how the name begins",
    hint="Decode the path first, make it absolute (realpath), and only then check that it is the root or below it: it "
    "must begin with the root and a slash.",
)
def test_stays_in_the_root(connect: Connect, protocol: StreamProtocol) -> None:
    """Sends nothing from outside its document root"""
    _ask_each(connect, *(Exchange(_request(target), http(_REFUSED)) for target in _WAYS_OUT), protocol.exchange(0))


@behaviour(
    does="a request for a file and one for a file that doesn't exist; the form of each reply's head is looked at",
    proves="nothing to prove",
    catches="lines that end with \\n, a missing reason or version, spaces around a header's name",
    hint="The head is a status line, 'HTTP/1.1 200 OK', then a line for each header, 'Name: value', then an empty "
    "line; each of them ends with \\r\\n.",
)
def test_http_form(connect: Connect) -> None:
    """Writes the head of a reply as HTTP requires it"""
    _ask_each(connect, *(_get(name, http(strict=True)) for name in ("style.css", "nothing.txt")))


@behaviour(
    does="requests for a text with letters of one to three bytes, and for a page",
    proves="nothing to prove",
    catches="characters counted instead of bytes, no Content-Length",
    hint="Content-Length is the number of bytes of the body, so take the size of the file, or the length of what you "
    "have read from it{Python:  in binary mode}.",
)
def test_content_length(connect: Connect) -> None:
    """Says the length of each file in Content-Length"""
    for name in ("menu.txt", "index.html"):
        length = str(len(_content(name))).encode()
        _ask_each(connect, _get(name, http(200, headers={"Content-Length": length}, body=_content(name))))


@behaviour(
    does="requests for a page, a text, a style sheet, a page with two dots in its name, two kinds of image, and a file "
    "of an unknown kind",
    proves="nothing to prove",
    catches="text/html for everything, no Content-Type, an ending that begins at the first dot",
    hint="Choose Content-Type by the ending of the file's name: the handout has the table.",
)
def test_content_type(connect: Connect) -> None:
    """Says what kind of file it is in Content-Type"""
    for name, kind in _TYPES.items():
        typed = form(kind, kind + b"{:[ ;].*}", ending=b"")
        _ask_each(connect, _get(name, http(200, headers={"Content-Type": typed})))


@behaviour(
    does="HEAD requests with Connection: close, for files and for one that doesn't exist; then everything until the "
    "end",
    proves="nothing to prove",
    catches="a body after the head, HEAD refused, the length of nothing",
    hint="HEAD gets exactly the head that GET would get, with the same Content-Length, and no body.",
    hints={
        Reason.EXTRA_REPLY: "Send the head alone: the client doesn't expect a body, and takes it for its next reply."
    },
)
def test_head_has_no_body(connect: Connect) -> None:
    """Replies to HEAD with the head alone"""
    heads = {"nothing.txt": http(404, head=True)}
    for name in ("style.css", "index.html"):
        heads[name] = http(200, headers={"Content-Length": str(len(_content(name))).encode()}, head=True)
    for name, head in heads.items():
        with connect() as client:
            client.ask(Exchange(_request(f"/{name}", "Connection: close", method="HEAD"), head))
            client.expect_end()


@behaviour(
    does="POST, PUT and DELETE for a file that exists, each from a client of its own",
    proves="nothing to prove",
    catches="any method treated like GET, a connection that is closed without a reply, no Allow",
    hint="Look at the method first. If it is not GET or HEAD, reply 405 with the header 'Allow: GET, HEAD'.",
)
def test_method_not_allowed(connect: Connect) -> None:
    """Refuses other methods with 405"""
    for method in ("POST", "PUT", "DELETE"):
        with connect() as client:
            request = _request("/style.css", "Content-Length: 0", "Connection: close", method=method)
            reply = client.ask(Exchange(request, http((405, 501))))
            allowed = reply["headers"].get("allow", b"").replace(b" ", b"").split(b",")
            if reply["status"] == 405 and not {b"GET", b"HEAD"} <= {*allowed}:
                fail(Reason.WRONG_REPLY, f"its reply to {method} does not say which methods are allowed")


@behaviour(
    does="a request line of one word and one of four, no request line, and a header without a colon, each from a "
    "client of its own; then a well-behaved client",
    proves="nothing to prove",
    catches="an exception that ends the server or the connection, no reply at all",
    hint="Check that the request line has three words and each header a colon; if not, reply 400. Catch whatever goes "
    "wrong with one client, and go on.",
)
def test_bad_request(connect: Connect, protocol: StreamProtocol) -> None:
    """Replies 400 to what is not a request"""
    _ask_each(connect, *(Exchange(request, http(400)) for request in _NO_REQUESTS), protocol.exchange(0))


@behaviour(
    does="requests whose headers are written CONNECTION: CLOSE, connection:close and Connection:   close",
    proves="nothing to prove",
    catches="header names compared with their case, 'Connection: close' looked for in the request as it is",
    hint="The names of headers may be written in any case, and so may close; around the value there may be spaces. "
    "Compare in lower case, without the spaces.",
)
def test_header_names_in_any_case(connect: Connect) -> None:
    """Reads headers in any case and with any spaces"""
    for header in ("CONNECTION: CLOSE", "connection:close", "Connection:   close  "):
        with connect() as client:
            client.ask(Exchange(_request("/style.css", header), http(200, body=_content("style.css"))))
            client.expect_end()


@behaviour(
    does="the requests that curl and Firefox send, the latter with 2 KiB of headers",
    proves="nothing to prove",
    catches="a buffer that is too small for a request, headers in a certain order, HTTP/1.1 refused",
    hint="Read up to the empty line, whatever comes before it, and ignore headers that you don't know.",
)
def test_serves_browsers_and_curl(connect: Connect) -> None:
    """Serves curl and browsers"""
    style = http(200, body=_content("style.css"))
    _ask_each(connect, *(Exchange(_request("/style.css", *headers), style) for headers in (_CURL, _FIREFOX)))


@behaviour(
    does="a request of HTTP/1.0; its reply, then everything until the end",
    proves="nothing to prove",
    catches="the connection kept open: an old client waits for its end",
    hint="A client that says HTTP/1.0 doesn't know that a connection can stay open: close it after the reply.",
)
def test_old_clients(connect: Connect) -> None:
    """Closes the connection of a client that speaks HTTP/1.0"""
    with connect() as client:
        client.ask(Exchange(_request("/style.css", version="HTTP/1.0"), http(200, body=_content("style.css"))))
        client.expect_end()
