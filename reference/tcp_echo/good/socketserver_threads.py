"""TCP echo server with the standard library's ThreadingTCPServer.

Usage: python3 socketserver_threads.py PORT
"""

import re
import socket
import socketserver
import sys

CHUNK = 64 * 1024  # bytes that one recv may bring
MAX_DROPPED = 1024 * 1024  # bytes behind the line `close` that are read before we lose patience

CLOSE_LINE = re.compile(rb"^close\r?\n", re.MULTILINE)
LONGEST = len(b"close\r\n")  # of a longer line no more is kept: it is not `close`


class Echo(socketserver.BaseRequestHandler):
    """One client; the server has made a thread for it and closes the connection after `handle`."""

    def handle(self) -> None:
        try:
            self.echo(self.request)
        except OSError:
            pass  # the client is gone (reset, for instance): nobody is left to answer

    def echo(self, client: socket.socket) -> None:
        """Send back what comes, until the client ends its side or a line says `close`."""
        line = b""  # how the line that is not finished yet begins
        while chunk := client.recv(CHUNK):
            text = line + chunk
            if found := CLOSE_LINE.search(text):
                client.sendall(text[len(line) : found.end()])
                self.drop_rest(client)
                return
            client.sendall(chunk)
            line = text[text.rfind(b"\n") + 1 :][:LONGEST]

    def drop_rest(self, client: socket.socket) -> None:
        """End our side, then wait for the client's: a close() with bytes unread would destroy the echo on its way."""
        client.shutdown(socket.SHUT_WR)
        dropped = 0
        while dropped < MAX_DROPPED and (chunk := client.recv(CHUNK)):
            dropped += len(chunk)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True  # connections of an earlier run, still in TIME_WAIT, must not keep us from the port
    daemon_threads = True  # Ctrl-C need not wait for the clients
    request_queue_size = 128  # clients that may wait until they are accepted; 5 by default


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: socketserver_threads.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        server = Server(("", port), Echo)
    except OSError as error:
        print(f"socketserver_threads.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
