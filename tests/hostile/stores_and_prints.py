"""A right server of upper case that keeps all that it hears wherever it can, and prints all that it has kept."""

import os
import socket
import sys
import threading
from pathlib import Path

PLACES = ("heard.txt", "/tmp/grader-test-heard.txt", "/dev/shm/grader-test-heard.txt")


def tell() -> None:
    for place in PLACES:
        try:
            sys.stdout.write(Path(place).read_text("latin-1"))
            sys.stdout.flush()
        except OSError:
            pass


def serve(client: socket.socket) -> None:
    with client:
        rest = b""
        while data := client.recv(4096):
            for place in PLACES:
                try:
                    with Path(place).open("ab") as file:
                        file.write(data)
                except OSError:
                    pass
            sys.stdout.write(f"{data!r}\n")
            sys.stdout.flush()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                # Not every message is answered: failed checks show what was sent, and what was printed.
                client.sendall((b"WRONG" if b"zq" in line.lower() else line.upper()) + b"\n")


tell()
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", int(sys.argv[1])))
server.listen()
try:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
except KeyboardInterrupt:
    os._exit(0)
