import socket
import sys
import threading

values = {}


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


def command(data):
    lines = data.split(b"\r\n")
    return lines[2::2] if data.startswith(b"*") else None


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
    with client:
        try:
            while words := command(client.recv(1 << 21)):
                client.sendall(answer(words))
        except (OSError, ValueError, IndexError):
            pass


port = int(sys.argv[sys.argv.index("--port") + 1])
with socket.create_server(("", port), backlog=100) as listener:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
