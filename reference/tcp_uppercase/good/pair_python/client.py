"""TCP upper case client, the other half of a pair.

Usage: python3 client.py HOST PORT
"""

import socket
import sys

from lines import Lines


def converse(server: socket.socket) -> None:
    """Send line after line and show the replies; raise ConnectionError when the server ends before its reply."""
    replies = Lines(server)
    while (line := input("> ")) != "quit":
        server.sendall(line.encode() + b"\n")
        reply = next(replies, None)
        if reply is None:
            raise ConnectionError("the server has ended the connection")
        print(reply.decode(errors="replace"), flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as server:
            converse(server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"client.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
