"""TCP servers for tests, each good or bad in one way.  Argument: which.  It listens on a free port of 127.0.0.1."""

import os
import signal
import socket
import struct
import sys


def lines(sock):
    """Answers each line in upper case, and prints how much each recv gave."""
    buffer = b""
    while chunk := sock.recv(1 << 20):
        print("recv", len(chunk), flush=True)
        buffer += chunk
        *complete, buffer = buffer.split(b"\n")
        if complete:
            sock.sendall(b"".join(line.upper() + b"\n" for line in complete))
    print("end", flush=True)


def wrong(sock):
    sock.sendall(sock.recv(100).replace(b"l", b"r"))
    sock.recv(100)


def silent(sock):
    while sock.recv(100):
        pass


def part(sock):
    sock.sendall(sock.recv(100)[:3])
    sock.recv(100)


def part_and_close(sock):
    sock.sendall(sock.recv(100)[:3])


def closes(sock):
    sock.recv(100)


def closes_at_once(sock):
    pass


def resets(sock):
    sock.recv(100)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def crashes(sock):
    sock.recv(100)
    sys.exit(7)


def exits(sock):
    sock.recv(100)
    sys.exit(0)


def breaks_memory(sock):
    sock.recv(100)
    os.kill(os.getpid(), signal.SIGSEGV)


def greets(sock):
    sock.sendall(b"hi\n")
    sock.recv(100)


def twice(sock):
    sock.sendall(sock.recv(100) * 2)


def reads_nothing(sock):
    signal.pause()


def keeps_it_open(sock):
    while sock.recv(100):
        pass
    signal.pause()


def takes_its_time(sock):
    """Answers on its own clock, well within any deadline."""
    data = sock.recv(100)
    signal.sigtimedwait([signal.SIGUSR1], 0.1)
    sock.sendall(data)
    sock.recv(100)


def spins(sock):
    sock.recv(100)
    while True:
        pass


def floods(sock):
    sock.recv(100)
    while True:
        print("x" * 1000)


def prints_a_lot(sock):
    data = sock.recv(100)
    print("y" * 100_000, flush=True)
    sock.sendall(data)
    sock.recv(100)


def never_accepts(listener):
    signal.pause()


def main():
    which = sys.argv[1]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if which == "never_accepts":
            never_accepts(listener)
        while True:
            sock, _ = listener.accept()
            with sock:
                globals()[which](sock)


main()
