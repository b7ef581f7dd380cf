"""The client of a pair: an unconnected socket with a timeout.

Usage: python3 client.py HOST PORT
"""

import socket
import sys
import time

LARGEST = 65535  # bytes: no UDP datagram is longer
TRIES = 3
PATIENCE_S = 1.0


def receive(sock: socket.socket, server: tuple[str, int], wanted: bytes) -> bool:
    """Whether `wanted` comes from the server in time.  Anything else is late, a copy, or a stranger's: dropped."""
    deadline = time.monotonic() + PATIENCE_S
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            datagram, source = sock.recvfrom(LARGEST)
        except TimeoutError:
            return False
        if source == server and datagram == wanted:
            return True
    return False


def ask(sock: socket.socket, server: tuple[str, int], line: bytes) -> bytes | None:
    """The server's answer to a line, or None if none has come after all tries."""
    wanted = line.upper()  # bytes.upper changes ASCII letters only, as the server does
    for _ in range(TRIES):
        sock.sendto(line, server)
        if receive(sock, server, wanted):
            return wanted
    return None


def talk(sock: socket.socket, server: tuple[str, int]) -> None:
    """Until the end of the input, or `quit`."""
    while True:
        try:
            line = input("> ")
        except EOFError:
            return
        if line == "quit":
            return
        answer = ask(sock, server, line.encode())
        if answer is None:
            print("client: no answer", file=sys.stderr)
        else:
            print(answer.decode(), flush=True)


def main() -> int:
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    host, port = sys.argv[1], int(sys.argv[2])
    try:
        server = socket.gethostbyname(host), port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            talk(sock, server)
    except (OSError, OverflowError) as error:
        print(f"client: {host} port {port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
