"""TCP upper case client with a thread that receives; the main thread reads the keyboard and waits for the replies.

Usage: python3 client_receiving_thread.py HOST PORT
"""

import queue
import socket
import sys
import threading

Replies = queue.SimpleQueue[bytes | None]


def receive(server: socket.socket, replies: Replies) -> None:
    """Pass on whole replies as they come, and None when there will be no more."""
    try:
        with server.makefile("rb") as lines:
            while (line := lines.readline()).endswith(b"\n"):
                replies.put(line)
    except OSError:
        pass  # a reset is an end, too
    replies.put(None)


def converse(server: socket.socket, replies: Replies) -> int:
    """The exit status."""
    while True:
        print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.rstrip("\n") == "quit":
            return 0
        try:
            server.sendall(line.removesuffix("\n").encode() + b"\n")
        except OSError:
            pass  # the receiver says so as well
        reply = replies.get()
        if reply is None:
            print("the connection to the server is lost", file=sys.stderr)
            return 1
        print(reply.decode(errors="replace"), end="", flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client_receiving_thread.py HOST PORT", file=sys.stderr)
        return 2
    try:
        server = socket.create_connection((sys.argv[1], sys.argv[2]))
    except OSError as error:
        print(f"no connection to {sys.argv[1]} port {sys.argv[2]}: {error}", file=sys.stderr)
        return 1
    replies: Replies = queue.SimpleQueue()
    receiver = threading.Thread(target=receive, args=(server, replies))
    receiver.start()
    with server:
        try:
            return converse(server, replies)
        finally:
            end(server)
            receiver.join()


def end(server: socket.socket) -> None:
    """End the connection, which also wakes the thread that waits in recv; close alone would not."""
    try:
        server.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the server was first


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
