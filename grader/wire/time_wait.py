"""A connection in TIME_WAIT that holds a port, made by us where the program has left none.

Whoever closes first keeps the row (RFC 9293, section 3.3.2), and SO_LINGER with 0 seconds avoids it (socket(7)).  The
kernel lets a port be bound beside such a row if both sockets have asked for it by SO_REUSEADDR, or both by
SO_REUSEPORT; the row keeps what its listener asked for (inet_twsk_alloc of net/ipv4/inet_timewait_sock.c).  Ours asks
for both, so that what decides is what the program asks for.  Tried, bound again with nothing: refused; with either:
not.
"""

from __future__ import annotations

import socket

from grader.wire.kernel import Endpoint


def leave_time_wait(bound: Endpoint, reached: Endpoint, *, v6_only: bool) -> None:
    """Listen where the program did, take one connection of our own and close it first.

    `bound`: the program's listening address; `reached`: where a client reaches that.

    Raises:
        OSError: somebody holds the port, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in bound.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(bound)
        listener.listen()
        with socket.create_connection(reached) as client:
            accepted, _ = listener.accept()
            accepted.close()
            client.recv(1)  # its end has arrived: ours comes second
