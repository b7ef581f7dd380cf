"""Reverses lines over TCP, one thread per client.

Usage: python3 server.py PORT
"""

import socket
import sys
import threading

LONGEST = 1024 * 1024  # bytes, the LF not counted


def answer_lines(client):
    """Answer each line when it is complete; what is left at the end of the connection gets no answer."""
    pending = bytearray()
    while data := client.recv(4096):
        pending += data
        *lines, pending = pending.split(b"\n")
        client.sendall(b"".join(line[::-1] + b"\n" for line in lines))
        if len(pending) > LONGEST:
            return


def serve(client):
    with client:
        try:
            answer_lines(client)
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
