"""TCP upper case client without a prompt, a filter from standard input to standard output; it handles bytes only.

Usage: python3 client_filter.py HOST PORT < lines.txt
"""

import socket
import sys


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: client_filter.py HOST PORT")
    try:
        server = socket.create_connection((sys.argv[1], sys.argv[2]))
    except OSError as error:
        sys.exit(f"client_filter.py: can't reach {sys.argv[1]} port {sys.argv[2]}: {error}")
    with server, server.makefile("rwb") as stream:
        for line in sys.stdin.buffer:
            line = line.removesuffix(b"\n")  # the last line of a file may have none
            if line == b"quit":
                break
            try:
                stream.write(line + b"\n")
                stream.flush()
                reply = stream.readline()
            except OSError as error:
                sys.exit(f"client_filter.py: {error}")
            if not reply.endswith(b"\n"):
                sys.exit("client_filter.py: the server has ended the connection")
            sys.stdout.buffer.write(reply)
            sys.stdout.buffer.flush()  # this layer does not do it at the end of a line


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
