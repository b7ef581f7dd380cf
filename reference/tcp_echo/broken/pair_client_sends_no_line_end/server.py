"""The right one of this pair: sends back every byte at once."""

import re
import socket
import sys
import threading

CLOSE = re.compile(rb"^close\r?\n", re.MULTILINE)


def echo(client):
    line = b""
    while data := client.recv(4096):
        text = line + data
        found = CLOSE.search(text)
        if found:
            client.sendall(data[: found.end() - len(line)])
            drop_rest(client)
            return
        client.sendall(data)
        line = text[text.rfind(b"\n") + 1 :][:7]


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


def serve_forever(listener):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        listener = socket.create_server(("", int(sys.argv[1])), backlog=128)
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    try:
        serve_forever(listener)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
