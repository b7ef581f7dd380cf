"""Reverses messages over TCP, one thread per client.

Usage: python3 server.py PORT
"""

import socket
import struct
import sys
import threading

LONGEST = 1024 * 1024  # bytes of a message, its length not counted
LENGTH = struct.Struct("!I")  # network byte order


def receive(client, count):
    """So many bytes, or fewer if the connection ends before."""
    received = bytearray()
    while len(received) < count and (data := client.recv(count - len(received))):
        received += data
    return received


def answer_messages(client):
    """Answer each message when it is complete, until the connection ends or a length is not allowed."""
    while len(head := receive(client, LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        if length > LONGEST:
            return
        body = receive(client, length)
        if len(body) < length:
            return
        client.sendall(head + body[::-1])


def serve(client):
    with client:
        try:
            answer_messages(client)
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
