"""Fault: prompts on standard error, but says nothing there when no answer came."""

import socket
import sys
import time


def receive(sock, server, wanted):
    end = time.monotonic() + 1
    while time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            if sock.recvfrom(65535) == (wanted, server):
                return True
        except TimeoutError:
            return False
    return False


def main():
    server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if line in {"", "quit", "quit\n"}:
            break
        words = line.removesuffix("\n").encode()
        for _ in range(3):
            sock.sendto(words, server)
            if receive(sock, server, words.upper()):
                print(words.upper().decode(), flush=True)
                break


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
