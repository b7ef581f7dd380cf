"""A thread for each client, which asks for one file."""

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


def receive_head(client):
    """Everything up to the empty line; None if it doesn't come."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < MOST_BYTES:
        data = client.recv(4096)
        if not data:
            return None
        head += data
    return head.partition(b"\r\n\r\n")[0]


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


def reply_to(head, root):
    """(status, type, body, further headers)"""
    request_line, *headers = head.split(b"\r\n")
    words = request_line.split(b" ")
    if len(words) != 3 or not all(b":" in header for header in headers):
        return 400, "text/plain", b"That is not a request.\n", ()
    method, target, _ = words
    if method not in {b"GET", b"HEAD"}:
        return 405, "text/plain", b"Only GET and HEAD are allowed.\n", ("Allow: GET, HEAD",)
    path = find(root, target)
    if path is None:
        return 404, "text/plain", b"There is no such file.\n", ()
    with open(path, "rb") as file:
        content = file.read()
    kind = TYPES.get(os.path.splitext(path)[1].decode("latin-1"), "application/octet-stream")
    return 200, kind, content, ()


def serve(client, root):
    with contextlib.suppress(OSError), client:
        head = receive_head(client)
        if head is None:
            return
        status, kind, body, more = reply_to(head, root)
        lines = [f"HTTP/1.0 {status} {REASONS[status]}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        if not head.startswith(b"HEAD "):
            client.sendall(body)


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
