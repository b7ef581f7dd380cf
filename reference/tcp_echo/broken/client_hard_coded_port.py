"""Fault: the port stands in the program, whatever it is told.

Usage: python3 client_hard_coded_port.py HOST
"""

import socket
import sys

CHUNK = 4096  # bytes that one recv may bring


def receive_line(sock: socket.socket) -> bytes:
    """One echo with its line end; less than that when the server has ended the connection."""
    echo = b""
    # Nothing comes behind the echo: the next line is not sent yet.
    while not echo.endswith(b"\n"):
        chunk = sock.recv(CHUNK)
        if not chunk:
            break
        echo += chunk
    return echo


def main() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((sys.argv[1], 9999))
    data = ""
    while data != "close":
        data = input("message: ")
        sock.sendall(data.encode() + b"\n")
        echo = receive_line(sock)
        if not echo.endswith(b"\n"):
            sys.exit("client_hard_coded_port.py: the server has ended the connection")
        print("response:", echo.decode()[:-1], flush=True)
    sock.close()


try:
    main()
except EOFError:
    print()
except KeyboardInterrupt:
    sys.exit(130)
except (OSError, IndexError) as error:
    sys.exit(f"client_hard_coded_port.py: {error}")
