"""UDP upper case client that asks where the server is: a connected socket, so that strangers are not heard.

Usage: python3 client_prompts.py, then answer its questions
"""

import socket
import sys
import time

TRIES = 3
PATIENCE_S = 1.0


def receive(sock: socket.socket, wanted: bytes) -> bytes:
    """The answer that is wanted; others are dropped.  Raises TimeoutError when it does not come in time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        datagram = sock.recv(65535)
        if datagram == wanted:
            return datagram
        if time.monotonic() >= deadline:
            raise TimeoutError("no answer")


def ask(sock: socket.socket, line: bytes) -> bytes:
    """The server's answer to a line.  Raises OSError if there is none, or nobody receives there."""
    for _ in range(TRIES):
        sock.send(line)
        try:
            return receive(sock, line.upper())
        except TimeoutError:
            pass
    raise TimeoutError(f"no answer to {TRIES} datagrams")


def talk(sock: socket.socket) -> None:
    """Until the line `quit`; EOFError at the end of the input."""
    while (line := input("Input lowercase sentence: ")) != "quit":
        try:
            answer = ask(sock, line.encode())
        except OSError as error:
            print(f"client: {error}", file=sys.stderr)
        else:
            print("From Server:", answer.decode(), flush=True)


def main() -> int:
    try:
        host = input("Server hostname or IP: ")
        port = int(input("Server port: "))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((host, port))
            talk(sock)
    except EOFError:
        print()
    except KeyboardInterrupt:
        return 130
    except (OSError, OverflowError, ValueError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
