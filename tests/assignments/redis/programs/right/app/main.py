import socket
import sys
import threading

values = {}


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


def command(stream):
    line = stream.readline()
    if not line.startswith(b"*"):
        return None
    words = []
    for _ in range(int(line[1:])):
        size = int(stream.readline()[1:])
        words.append(stream.read(size))
        stream.read(2)
    return words


def answer(words):
    name = words[0].upper()
    if name == b"PING" and len(words) == 1:
        return b"+PONG\r\n"
    if name in (b"ECHO", b"PING"):
        return bulk(words[1])
    if name == b"SET":
        values[words[1]] = words[2]
        return b"+OK\r\n"
    if name == b"GET":
        return bulk(values.get(words[1]))
    return b"-ERR unknown command\r\n"


def serve(client):
    with client, client.makefile("rb") as stream:
        try:
            while words := command(stream):
                client.sendall(answer(words))
        except (OSError, ValueError):
            pass


port = int(sys.argv[sys.argv.index("--port") + 1])
with socket.create_server(("", port), backlog=100) as listener:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
