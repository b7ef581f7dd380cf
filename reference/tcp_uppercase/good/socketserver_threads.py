"""TCP upper case server, one thread per client: the standard library's socketserver.

Usage: python3 socketserver_threads.py PORT
"""

import socketserver
import sys

MAX_LINE = 1024 * 1024  # bytes, the LF not counted


class UpperCaseHandler(socketserver.StreamRequestHandler):
    """Answers every whole line until the client ends its side; what follows the last LF gets no answer."""

    def handle(self) -> None:
        try:
            while (line := self.rfile.readline(MAX_LINE + 1)).endswith(b"\n"):
                self.wfile.write(line.upper())  # upper() of bytes changes a-z and nothing else
        except OSError:
            pass  # the client is gone (reset, for instance): socketserver would print a traceback


class UpperCaseServer(socketserver.ThreadingTCPServer):
    """Listens on every IPv4 address."""

    allow_reuse_address = True  # connections of an earlier run, still in TIME_WAIT, must not keep us from the port
    daemon_threads = True  # they don't keep the program alive after Ctrl-C
    request_queue_size = 128  # clients that may wait until they are accepted


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
        server = UpperCaseServer(("", port), UpperCaseHandler)
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
