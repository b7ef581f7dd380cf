import secrets
import socket
import sys
import time

TRIES = 3


def parse(datagram, head):
    """Port and name in an answer; None: it is none."""
    if not datagram.startswith(head):
        return None
    try:
        port, name = datagram[len(head):].decode("ascii").split(" ")
        if not 1 <= int(port) <= 65535:
            return None
    except ValueError:
        return None
    return port, name


def ask_once(sock, there, query, listed):
    """Sends the query, and lists what comes within a second."""
    head = query.replace(b"FIND", b"HERE") + b" "
    until = time.monotonic() + 1
    sock.sendto(query, there)
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            datagram, (address, _) = sock.recvfrom(65536)
        except TimeoutError:
            break
        found = parse(datagram, head)
        if found is None or (address, *found) in listed:
            continue
        listed.add((address, *found))
        print(address, *found, flush=True)


def main():
    try:
        host, port, service = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    except (IndexError, ValueError):
        sys.exit("usage: client ADDRESS PORT SERVICE")
    query = f"FIND 1 {service} {secrets.token_hex(8)}".encode()
    listed = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        there = (socket.gethostbyname(host), port)
        for _ in range(TRIES):
            ask_once(sock, there, query, listed)
            if listed:
                return
    sys.exit(f"client: nobody offers {service}")


try:
    main()
except OSError as problem:
    sys.exit(f"client: {problem}")
except KeyboardInterrupt:
    sys.exit(130)
