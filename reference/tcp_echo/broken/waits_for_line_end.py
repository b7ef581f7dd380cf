"""Fault: reads line by line, so nothing comes back before the line end."""

import socket
import sys
import threading


def echo(client):
    with client.makefile("rb") as lines:
        for line in lines:
            client.sendall(line)
            if line in (b"close\n", b"close\r\n"):
                drop_rest(client)
                return


def drop_rest(client):
    client.shutdown(socket.SHUT_WR)
    dropped = 0
    while dropped < 1 << 20 and (data := client.recv(4096)):
        dropped += len(data)


def serve(client):
    with client:
        try:
            echo(client)
        except OSError:
            pass


def open_listener(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(128)
    return listener


def serve_forever(listener):
    while True:
        client, address = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        listener = open_listener(int(sys.argv[1]))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(listener)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
