"""Reverses words over HTTP, one thread per client.

Usage: python3 server.py PORT
"""

import socket
import sys
import threading

LONGEST = 16 * 1024  # bytes of a request


def read_request(client, pending):
    """The next request, a list of lines, and what has come behind it; no lines at the end of the connection."""
    while b"\r\n\r\n" not in pending and len(pending) <= LONGEST:
        data = client.recv(4096)
        if not data:
            return [], b""
        pending += data
    head, _, pending = pending.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), pending


def reply(status, body):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def answer(line):
    words = line.split(b" ")
    if len(words) == 3 and words[0] == b"GET" and words[1].startswith(b"/reverse/"):
        return reply(b"200 OK", words[1].removeprefix(b"/reverse/")[::-1])
    return reply(b"404 Not Found", b"not found\n")


def serve(client):
    pending = b""
    with client:
        try:
            while True:
                lines, pending = read_request(client, pending)
                if not lines:
                    return
                client.sendall(answer(lines[0]))
                if b"connection: close" in (line.lower() for line in lines):
                    return
        except OSError:
            pass  # the client is gone: there is nobody to answer


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        sys.exit("usage: server.py PORT   (1 to 65535)")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", int(sys.argv[1])))
    except OSError as error:
        sys.exit(f"server.py: port {sys.argv[1]}: {error.strerror}")
    listener.listen(128)
    try:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
