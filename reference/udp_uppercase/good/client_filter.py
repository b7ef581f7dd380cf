"""UDP upper case client without a prompt, to be used in a pipe: waits for answers in select.

Usage: python3 client_filter.py HOST PORT < lines
"""

import select
import socket
import sys
import time

TRIES = 3
PATIENCE_S = 1.0


def answered(sock: socket.socket, server: tuple[str, int], wanted: bytes) -> bool:
    """Whether the server's answer comes in time; all other datagrams are dropped."""
    deadline = time.monotonic() + PATIENCE_S
    while select.select([sock], [], [], max(deadline - time.monotonic(), 0))[0]:
        datagram, source = sock.recvfrom(65535)
        if (datagram, source) == (wanted, server):
            return True
    return False


def ask(sock: socket.socket, server: tuple[str, int], line: bytes) -> None:
    """Send a line until it is answered, and write the answer."""
    for _ in range(TRIES):
        sock.sendto(line, server)
        if answered(sock, server, line.upper()):
            sys.stdout.buffer.write(line.upper() + b"\n")
            sys.stdout.buffer.flush()
            return
    print("client: no answer to", line, file=sys.stderr)


def main(host: str, port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        server = socket.gethostbyname(host), int(port)
        for line in sys.stdin.buffer:
            line = line.removesuffix(b"\n")
            if line == b"quit":
                break
            ask(sock, server, line)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: client_filter.py HOST PORT")
    try:
        main(*sys.argv[1:])
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(f"client: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
