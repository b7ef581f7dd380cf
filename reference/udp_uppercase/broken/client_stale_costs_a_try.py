"""Fault: sends the line again as soon as anything comes that is not its answer, and gives up after three such."""

import socket
import sys


def ask(sock, server, line):
    for _ in range(3):
        sock.sendto(line, server)
        try:
            data, source = sock.recvfrom(65535)
        except TimeoutError:
            continue
        if source == server and data == line.upper():
            return data.decode()
    return None


def main():
    server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    while (line := input("> ")) != "quit":
        reply = ask(sock, server, line.encode())
        if reply is None:
            print("no answer", file=sys.stderr)
        else:
            print(reply, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (EOFError, KeyboardInterrupt):
        print()
