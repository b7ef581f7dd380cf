"""TCP upper case server, the half of a pair: a thread for each client.

Usage: python3 server.py PORT
"""

import socket
import sys
import threading

from lines import Lines


def serve(client: socket.socket) -> None:
    with client:
        try:
            for line in Lines(client):
                client.sendall(line.upper() + b"\n")  # upper() of bytes changes a-z and nothing else
        except OSError:
            pass  # the client is gone: nobody is left to answer


def serve_forever(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        # A daemon: it does not keep the server alive after Ctrl-C.
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    port = int(sys.argv[1])
    try:
        listener = socket.create_server(("", port))
    except OSError as error:
        print(f"server.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with listener:
        try:
            serve_forever(listener)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
