"""UDP servers for tests, each good or bad in one way.  Arguments: which, the host to bind to, and the port; without, a free one."""

import os
import signal
import socket
import sys


def upper(sock):
    while True:
        data, client = sock.recvfrom(65536)
        sock.sendto(data.upper(), client)


def looks_up(sock, first=None):
    """Right, with a timer of its own, so that no silence of it can be proved.  `first`: who hears everything."""
    sock.settimeout(0.1)
    while True:
        try:
            data, client = sock.recvfrom(65536)
        except TimeoutError:
            continue
        sock.sendto(data.upper(), client)
        if first and client != first:
            sock.sendto(data, first)


def looks_up_and_tells_the_first(sock):
    data, first = sock.recvfrom(65536)
    sock.sendto(data.upper(), first)
    looks_up(sock, first)


def silent(sock):
    while True:
        sock.recvfrom(65536)


def reads_nothing(sock):
    signal.pause()


def wrong(sock):
    while True:
        data, client = sock.recvfrom(65536)
        sock.sendto(data.replace(b"l", b"r"), client)


def twice(sock):
    while True:
        data, client = sock.recvfrom(65536)
        sock.sendto(data.upper(), client)
        sock.sendto(data.upper(), client)


def to_the_first(sock):
    data, first = sock.recvfrom(65536)
    while True:
        sock.sendto(data.upper(), first)
        data, _ = sock.recvfrom(65536)


def connects(sock):
    """Answers whoever comes first, and hears nobody else from then on."""
    data, client = sock.recvfrom(65536)
    sock.connect(client)
    while True:
        sock.send(data.upper())
        data = sock.recv(65536)


def from_another_port(sock):
    with socket.socket(sock.family, socket.SOCK_DGRAM) as other:
        while True:
            data, client = sock.recvfrom(65536)
            other.sendto(data.upper(), client)


def from_a_port_of_its_own(sock):
    """Two datagrams for each client, from a port of its own (TFTP)."""
    while True:
        data, client = sock.recvfrom(65536)
        with socket.socket(sock.family, socket.SOCK_DGRAM) as own:
            own.sendto(data.upper(), client)
            data, client = own.recvfrom(65536)
            own.sendto(data.upper(), client)


def from_another_address(sock):
    """Bound to every address, it answers by 127.0.0.2."""
    with socket.socket(sock.family, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", 0))
        while True:
            data, client = sock.recvfrom(65536)
            other.sendto(data.upper(), client)


def from_its_last_to_its_first(sock):
    """Takes all that waits, and answers it backwards."""
    while True:
        waiting = [sock.recvfrom(65536)]
        try:
            while True:
                waiting.append(sock.recvfrom(65536, socket.MSG_DONTWAIT))
        except BlockingIOError:
            pass
        for data, client in reversed(waiting):
            sock.sendto(data.upper(), client)


def all_but_the_last(sock):
    """Takes all that waits, and answers each but the last, which gets the first one's answer."""
    while True:
        waiting = [sock.recvfrom(65536)]
        try:
            while True:
                waiting.append(sock.recvfrom(65536, socket.MSG_DONTWAIT))
        except BlockingIOError:
            pass
        for data, client in [*waiting[:-1], waiting[0]]:
            sock.sendto(data.upper(), client)


def twice(sock):
    """Answers each datagram twice."""
    while True:
        data, client = sock.recvfrom(65536)
        for _ in range(2):
            sock.sendto(data.upper(), client)


def twice_and_one_less(sock):
    """The same, but says nothing new from its third datagram on."""
    seen = []
    while True:
        data, client = sock.recvfrom(65536)
        seen = [*seen, data][:2]
        for _ in range(2):
            sock.sendto(seen[-1].upper(), client)


def copies_for_ever(sock):
    """Sends its first answer again and again."""
    data, client = sock.recvfrom(65536)
    while True:
        sock.sendto(data.upper(), client)


def exits_at_an_empty_one(sock):
    while True:
        data, client = sock.recvfrom(65536)
        if not data:
            sys.exit(0)
        sock.sendto(data.upper(), client)


def crashes(sock):
    sock.recvfrom(65536)
    os.abort()


def spins(sock):
    sock.recvfrom(65536)
    while True:
        pass


#: The same, and others may have the port as well.
shares_its_port = upper

which, host = sys.argv[1], sys.argv[2]
port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
    if which == "shares_its_port":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    globals()[which](sock)
