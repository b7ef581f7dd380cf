"""Reads lines and lengths from a file made of the socket."""

import re
import socket
import sys

URL = re.compile(r"http://([^:/]+):(\d+)(/[^#]*)?(#.*)?")


def exactly(stream, length):
    data = stream.read(length)
    if len(data) < length:
        sys.exit("the connection ended in the middle of the reply")
    return data


def line_of(stream):
    line = stream.readline()
    if not line.endswith(b"\n"):
        sys.exit("the connection ended in the middle of the reply")
    return line.rstrip(b"\r\n")


def headers_of(stream):
    headers = {}
    while line := line_of(stream):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return headers


def in_chunks(stream):
    body = b""
    while length := int(line_of(stream).partition(b";")[0], 16):
        body += exactly(stream, length)
        line_of(stream)
    line_of(stream)
    return body


def body_of(stream, headers):
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return in_chunks(stream)
    if b"content-length" in headers:
        return exactly(stream, int(headers[b"content-length"]))
    return stream.read()


def fetch(stream):
    status_line = stream.readline()
    if not status_line:
        sys.exit("the server closed the connection without a reply")
    if not status_line.startswith(b"HTTP/1."):
        sys.exit("this is not HTTP")
    status = status_line.split()[1]
    headers = headers_of(stream)
    if status != b"200":
        sys.exit(f"the server says {status.decode()}")
    return body_of(stream, headers)


def main():
    url = URL.fullmatch(sys.argv[1]) if len(sys.argv) == 2 else None
    if not url:
        sys.exit("usage: http_client http://HOST:PORT/PATH")
    host, port, target = url[1], int(url[2]), url[3] or "/"
    request = f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port)) as server, server.makefile("rb") as stream:
            server.sendall(request.encode())
            body = fetch(stream)
    except OSError as error:
        sys.exit(f"{host} port {port}: {error}")
    with open("output", "wb") as file:
        file.write(body)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
