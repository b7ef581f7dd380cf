"""A guessing game over TCP, one thread per client.

Usage: python3 server.py PORT
"""

import random
import socket
import sys
import threading

LONGEST = 1024  # bytes of a line


class Game:
    """One client's game."""

    def __init__(self):
        self.secret, self.tries = random.randint(1, 100), 0

    def answer(self, line):
        verb, _, number = line.partition(b" ")
        if verb != b"GUESS" or not number.isdigit():
            return b"ERR\n"
        self.tries += 1
        if int(number) == self.secret:
            tries = self.tries
            self.secret, self.tries = random.randint(1, 100), 0
            return b"YES tries=%d\n" % tries
        return b"LOW\n" if int(number) < self.secret else b"HIGH\n"


def play(client):
    game = Game()
    client.sendall(b"Guess a number from 1 to 100\n")
    pending = b""
    while data := client.recv(4096):
        pending += data
        *lines, pending = pending.split(b"\n")
        for line in lines:
            client.sendall(game.answer(line))
        if len(pending) > LONGEST:
            return


def serve(client):
    with client:
        try:
            play(client)
        except OSError:
            pass  # the client is gone: there is nobody to answer


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        sys.exit("usage: server.py PORT   (1 to 65535)")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", int(sys.argv[1])))
    except OSError as error:
        sys.exit(f"server.py: port {sys.argv[1]}: {error.strerror}")
    listener.listen(128)
    try:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
