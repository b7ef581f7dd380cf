"""Fault: goes on calling recv when the server has ended the connection.

Usage: python3 client_loops_at_server_end.py
"""

import socket
import sys

CHUNK = 4096  # bytes that one recv may bring


def receive_line(sock: socket.socket) -> bytes:
    """One echo with its line end."""
    echo = b""
    # Nothing comes behind the echo: the next line is not sent yet.
    while not echo.endswith(b"\n"):
        chunk = sock.recv(CHUNK)
        echo += chunk
    return echo


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
        print("response:", echo.decode()[:-1], flush=True)
    sock.close()


try:
    main()
except EOFError:
    print()
except KeyboardInterrupt:
    sys.exit(130)
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"client_loops_at_server_end.py: {error}")
