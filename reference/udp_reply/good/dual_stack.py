"""UDP reply server for IPv6 and IPv4 with one socket, where the machine has IPv6.

IPv4 clients then have addresses like ::ffff:127.0.0.1, and a reply to one of those goes out over IPv4.

Usage: python3 dual_stack.py PORT
"""

import socket
import sys


def open_socket(port: int) -> socket.socket:
    """A socket that receives on every address.  Raises OSError, for example when the port is in use."""
    if not socket.has_dualstack_ipv6():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    else:
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        server.bind(("", port))
    except OSError:
        server.close()
        raise
    return server


def serve_forever(server: socket.socket) -> None:
    buffer = bytearray(b"OK...") + bytes(65535)
    with memoryview(buffer) as view:
        while True:
            size, client = server.recvfrom_into(view[5:])
            try:
                server.sendto(view[: 5 + size], client)
            except OSError as error:
                print(f"dual_stack.py: no reply to {client[0]}: {error.strerror}", file=sys.stderr)


def parse_port(arguments: list[str]) -> int | None:
    """The port in `arguments`, or None if there is none from 1 to 65535."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return None
    port = int(arguments[0])
    return port if 1 <= port <= 65535 else None


def main() -> int:
    port = parse_port(sys.argv[1:])
    if port is None:
        print("usage: dual_stack.py PORT   (1 to 65535)", file=sys.stderr)
        return 2
    try:
        server = open_socket(port)
    except OSError as error:
        print(f"dual_stack.py: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    with server:
        try:
            serve_forever(server)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
