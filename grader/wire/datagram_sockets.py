"""Our sockets for datagrams: each datagram comes with the time at which the kernel got it."""

from __future__ import annotations

import errno
import socket
import struct
from typing import NamedTuple

from grader.wire.faults import UnprovedError
from grader.wire.kernel import Endpoint

_MOST_BYTES = 65_536
#: Space for what a client sends that never waits for a reply.
_BUFFER_BYTES = 1 << 20
#: socket(7): each datagram is told with the time at which the kernel got it; asm-generic/socket.h has the number.
_SO_TIMESTAMPNS = 35
_TIMESTAMP = struct.Struct("@ll")


class Datagram(NamedTuple):
    """What has arrived: its bytes, who sent it, the socket of ours that received it, and when that was (time(2))."""

    data: bytes
    source: Endpoint
    sock: socket.socket
    arrived_s: float


def received(sock: socket.socket) -> Datagram | None:
    """The next datagram that waits at one of our sockets; None: there is none."""
    try:
        data, told, _, source = sock.recvmsg(_MOST_BYTES, socket.CMSG_SPACE(_TIMESTAMP.size))
    except BlockingIOError:
        return None
    seconds, nanoseconds = _TIMESTAMP.unpack(told[0][2])
    return Datagram(data, Endpoint(*source[:2]), sock, seconds + nanoseconds / 1e9)


def bound(address: Endpoint) -> socket.socket | None:
    """A socket that is bound there and does not block; None where this machine has no such address.

    Raises:
        UnprovedError: somebody else has the port.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)  # to be connected to a broadcast address (`refuse`)
        sock.bind(address)
    except OSError as error:
        sock.close()
        if error.errno in {errno.EADDRNOTAVAIL, errno.EACCES}:
            return None
        raise UnprovedError(f"{address.host} port {address.port} could not be bound: {error.strerror}") from None
    sock.setblocking(False)  # noqa: FBT003 — its only parameter
    return sock
