"""Fault: gives each receive the whole timeout, so that whatever comes and is no reply begins it anew."""

import socket
import sys


def receive(sock, server, wanted):
    sock.settimeout(1)
    while True:
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            return None
        if source == server and data == wanted:
            return data


def ask(sock, server, line):
    for _ in range(3):
        sock.sendto(line, server)
        reply = receive(sock, server, line.upper())
        if reply is not None:
            return reply
    return None


def talk(sock, server):
    while True:
        line = input("> ")
        if line == "quit":
            break
        reply = ask(sock, server, line.encode())
        if reply is None:
            print("no answer", file=sys.stderr)
        else:
            print(reply.decode(), flush=True)


def main():
    if len(sys.argv) != 3:
        print("usage: client.py HOST PORT", file=sys.stderr)
        return 2
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
        talk(sock, server)
    except EOFError:
        print()
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError) as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    sock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
