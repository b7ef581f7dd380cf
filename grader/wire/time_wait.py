"""A connection in TIME_WAIT that holds a port, made by us if the program has left none.

Whoever closes first keeps the row (RFC 9293, section 3.3.2), and SO_LINGER with 0 seconds avoids it (socket(7)).  The
kernel lets a port be bound beside such a row if both sockets have set SO_REUSEADDR, or both SO_REUSEPORT; the row keeps
what its listener has set (inet_twsk_alloc of net/ipv4/inet_timewait_sock.c).  Ours sets both, so only the program's
options decide.  Tried: binding again with neither is refused, with either it works.
"""

from __future__ import annotations

import socket

from grader.wire.kernel import Endpoint


def leave_time_wait(bound: Endpoint, reached: Endpoint, *, v6_only: bool) -> None:
    """Listen where the program did, accept one connection of our own and close it first.

    `bound`: the program's listening address; `reached`: where a client reaches that.

    Raises:
        OSError: something holds the port, or this machine has no such address.
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
