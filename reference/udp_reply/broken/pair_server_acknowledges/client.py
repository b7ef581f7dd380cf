"""The right one of this pair: shows a reply of OK... and the text."""

import socket
import sys
import time


def ask(sock, server, line):
    sock.sendto(line, server)
    end = time.monotonic() + 1
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            return None
        if source == server and data == b"OK..." + line:
            return data
    return None


def talk(sock, server):
    while True:
        line = input("> ")
        if line == "quit":
            break
        reply = ask(sock, server, line.encode())
        if reply is None:
            print("no reply", file=sys.stderr)
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
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError) as error:
        print("client.py:", error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
