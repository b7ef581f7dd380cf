"""TCP sum server, the half of a pair: one client after another.

Usage: python3 server.py PORT
"""

import socket
import sys

from frames import FrameError, receive_numbers, send_sum


def serve(client: socket.socket) -> None:
    with client:
        try:
            while True:
                send_sum(client, sum(receive_numbers(client)))
        except (FrameError, OSError):
            pass  # OSError: the client is gone (reset, for instance), and nobody is left to answer


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    with socket.create_server(("", int(sys.argv[1]))) as listener:  # sets SO_REUSEADDR
        try:
            while True:
                serve(listener.accept()[0])
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
