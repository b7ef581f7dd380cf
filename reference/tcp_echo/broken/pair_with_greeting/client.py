"""Fault: does not ask for a line before a greeting has come, which only the server of this pair sends."""

import socket
import sys


def converse(sock, echoes):
    print(echoes.readline().decode(), end="", flush=True)
    line = ""
    while line != "close":
        line = input("message: ")
        sock.sendall(line.encode() + b"\n")
        echo = echoes.readline()
        if not echo.endswith(b"\n"):
            raise ConnectionError("the server has ended the connection")
        print("response:", echo.decode().removesuffix("\n"), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with socket.create_connection((sys.argv[1], sys.argv[2])) as sock, sock.makefile("rb") as echoes:
            converse(sock, echoes)
    except EOFError:
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
