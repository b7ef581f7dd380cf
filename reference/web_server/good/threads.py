"""A web server with a thread for each client, that reads requests line by line."""

import contextlib
import os
import signal
import socket
import sys
import threading
from urllib.parse import unquote_to_bytes

REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
TYPES = {
    ".html": "text/html",
    ".txt": "text/plain",
    ".css": "text/css",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}
MOST_BYTES = 16 * 1024


class BadRequest(Exception):
    pass


def read_request(stream):
    """(method, target, version, headers), or None at the end of the connection."""
    lines = []
    size = 0
    while True:
        line = stream.readline(MOST_BYTES)
        size += len(line)
        if not line.endswith(b"\n"):
            if size >= MOST_BYTES:
                raise BadRequest
            return None
        line = line.rstrip(b"\r\n")
        if not line:
            break
        lines.append(line)
        if size >= MOST_BYTES:
            raise BadRequest
    words = lines[0].split(b" ") if lines else []
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise BadRequest
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadRequest
        headers[name.lower()] = value.strip()
    return (*words, headers)


def find(root, target):
    """The path of the file that a target names, or None."""
    path = unquote_to_bytes(target.partition(b"?")[0])
    if b"\0" in path:
        return None
    full = os.path.realpath(root + b"/" + path.lstrip(b"/"))
    if full != root and not full.startswith(root + b"/"):
        return None
    if os.path.isdir(full):
        full += b"/index.html"
    return full if os.path.isfile(full) else None


def head_of(status, kind, length, *more):
    lines = [
        f"HTTP/1.1 {status} {REASONS[status]}",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def refuse(client, status, *more, body=True):
    text = f"{status} {REASONS[status]}\n".encode()
    client.sendall(head_of(status, "text/plain", len(text), *more) + (text if body else b""))


def reply(client, root, method, target):
    if method not in {b"GET", b"HEAD"}:
        refuse(client, 405, "Allow: GET, HEAD")
        return
    path = find(root, target)
    if path is None:
        refuse(client, 404, body=method == b"GET")
        return
    with open(path, "rb") as file:
        content = file.read()
    kind = TYPES.get(os.path.splitext(path)[1].decode("latin-1"), "application/octet-stream")
    client.sendall(head_of(200, kind, len(content)) + (content if method == b"GET" else b""))


def serve(client, root):
    with contextlib.suppress(OSError), client, client.makefile("rb") as stream:
        try:
            while (request := read_request(stream)) is not None:
                method, target, version, headers = request
                reply(client, root, method, target)
                if version == b"HTTP/1.0" or headers.get(b"connection", b"").lower() == b"close":
                    break
                if int(headers.get(b"content-length", b"0") or b"0"):
                    break
        except (BadRequest, ValueError):
            refuse(client, 400)


def main():
    try:
        port, root = int(sys.argv[1]), os.path.realpath(os.fsencode(sys.argv[2]))
        if not 0 < port < 65536:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit("usage: web_server PORT ROOT")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", port))
    except OSError as error:
        sys.exit(f"port {port}: {error}")
    listener.listen(128)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            with contextlib.suppress(ConnectionError):
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client, root), daemon=True).start()


main()
