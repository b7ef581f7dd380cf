"""Fault: catches whatever happens in input(), Ctrl-C too, and asks again.

Usage: python3 client_bare_except.py
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
    host = input("Server hostname or ip? ")
    port = int(input("Server port? "))
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, port))
    data = ""
    while data != "close":
        try:
            data = input("message: ")
        except EOFError:
            break
        except:
            continue
        sock.sendall(data.encode() + b"\n")
        echo = receive_line(sock)
        if not echo.endswith(b"\n"):
            sys.exit("client_bare_except.py: the server has ended the connection")
        print("response:", echo.decode()[:-1], flush=True)
    sock.close()


try:
    main()
except EOFError:
    print()
except KeyboardInterrupt:
    sys.exit(130)
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"client_bare_except.py: {error}")
