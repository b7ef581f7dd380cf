"""Fault: answers an unfinished line when its connection ends, because a file's loop gives that line too."""

import socket
import sys
import threading


def serve(client):
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                client.sendall(line.upper())
        except ConnectionError:
            pass


def main():
    try:
        (port,) = map(int, sys.argv[1:])
        if not 0 < port < 65536:
            raise ValueError
    except ValueError:
        sys.exit("usage: server PORT")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError as error:
            sys.exit(f"server: port {port}: {error.strerror}")
        listener.listen(128)
        try:
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
