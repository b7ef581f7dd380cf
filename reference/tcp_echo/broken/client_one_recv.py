"""Fault: takes what one recv brings for the whole echo.

Usage: python3 client_one_recv.py
"""

import socket
import sys

CHUNK = 4096  # bytes that one recv may bring


def receive_line(sock: socket.socket) -> bytes:
    """One echo."""
    return sock.recv(CHUNK)


def main() -> None:
    host = input("Server hostname or ip? ")
    port = int(input("Server port? "))
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, port))
    data = ""
    while data != "close":
        data = input("message: ")
        sock.sendall(data.encode() + b"\n")
        echo = receive_line(sock)
        if not echo:
            sys.exit("client_one_recv.py: the server has ended the connection")
        print("response:", echo.decode().removesuffix("\n"), flush=True)
    sock.close()


try:
    main()
except EOFError:
    print()
except KeyboardInterrupt:
    sys.exit(130)
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"client_one_recv.py: {error}")
