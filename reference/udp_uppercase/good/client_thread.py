"""UDP upper case client with a thread that receives, and puts what the server has sent into a queue.

Usage: python3 client_thread.py HOST PORT
"""

import queue
import socket
import sys
import threading
import time

TRIES = 3
PATIENCE_S = 1.0


def receive_forever(sock: socket.socket, server: tuple[str, int], came: "queue.SimpleQueue[bytes]") -> None:
    """Queue the server's datagrams; strangers' are dropped."""
    while True:
        try:
            datagram, source = sock.recvfrom(65535)
        except OSError as error:
            print(f"client: {error}", file=sys.stderr)
            continue
        if source == server:
            came.put(datagram)


def answered(came: "queue.SimpleQueue[bytes]", wanted: bytes) -> bool:
    """Whether the wanted answer comes in time; earlier ones are dropped."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        while came.get(timeout=max(deadline - time.monotonic(), 0)) != wanted:
            pass
    except queue.Empty:
        return False
    return True


def talk(sock: socket.socket, server: tuple[str, int]) -> None:
    """Until the line `quit`; EOFError at the end of the input."""
    came: "queue.SimpleQueue[bytes]" = queue.SimpleQueue()
    sock.bind(("", 0))  # the thread can't receive before the socket has a port
    threading.Thread(target=receive_forever, args=(sock, server, came), daemon=True).start()
    while (text := input("you: ")) != "quit":
        line = text.encode()
        for _ in range(TRIES):
            sock.sendto(line, server)
            if answered(came, line.upper()):
                print("server:", line.upper().decode(), flush=True)
                break
        else:
            print("client: no answer", file=sys.stderr)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_thread.py HOST PORT", file=sys.stderr)
        return 2
    try:
        server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
        talk(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), server)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, OverflowError, ValueError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
