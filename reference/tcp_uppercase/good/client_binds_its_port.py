"""TCP upper case client that comes from a port of its own.  Usage: python3 client_binds_its_port.py HOST PORT"""

import socket
import sys

OWN_PORT = 45678


def connect(host, port):
    (address,) = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[:1]
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", OWN_PORT))
    server.connect(address[4])
    return server


def converse(server):
    with server.makefile("rb") as replies:
        while (line := input("> ")) != "quit":
            server.sendall(line.encode() + b"\n")
            reply = replies.readline()
            if not reply.endswith(b"\n"):
                raise ConnectionError("the server has ended the connection")
            print(reply[:-1].decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    try:
        with connect(*sys.argv[1:]) as server:
            converse(server)
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
