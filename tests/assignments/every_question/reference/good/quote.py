"""Asks for a quotation: `quote HOST PORT NUMBER`."""

import os
import socket
import sys
import time

TRIES = 3


def ask(server, number):
    """The quotation, or None if there is no reply."""
    for _ in range(TRIES):
        id_ = os.urandom(2)
        server.send(id_ + number.encode())
        until = time.monotonic() + 1
        while (left := until - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                reply = server.recv(65535)
            except TimeoutError:
                break
            if reply[:2] == id_:
                return reply[2:]
    return None


def main():
    host, port, number = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.connect((host, int(port)))
            text = ask(server, number)
        except OSError as error:
            sys.exit(f"{host} port {port}: {error}")
    if text is None:
        sys.exit("no reply")
    if not text:
        sys.exit(f"there is no quotation {number}")
    print(text.decode())


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
