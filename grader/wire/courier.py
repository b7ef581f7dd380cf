"""What is known of datagrams within this machine: whether they have arrived, and whether a queue takes them.

UDP acknowledges nothing, so another datagram sent behind one proves that it has arrived.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress

from grader.wire.faults import UnprovedError
from grader.wire.kernel import Endpoint, SocketTable

HOST = "127.0.0.1"
#: Everybody on the loopback network: what is sent there reaches every socket that is bound to the port, and either to
#: this address or to all.  255.255.255.255 would need an interface other than loopback.
BROADCAST = "127.255.255.255"
#: A marker is back within microseconds, on a loaded machine when the CPU it is sent from gets around to it.
_MARKER_S = 1.0
_MARKERS = 5


class Courier:
    """Proves that datagrams on this machine have arrived.

    The loopback device puts what is sent into a queue of the sending CPU, and that queue is processed in order
    (net/core/dev.c, enqueue_to_backlog).  So when a marker that was sent on a CPU has come back to us, everything that
    was sent on that CPU before it is in its receiver's queue, or was dropped and counted there.
    """

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((HOST, 0))
        self._sock.connect(self._sock.getsockname())  # so that it receives no other datagrams
        self._sock.settimeout(_MARKER_S)
        self._number = 0

    def close(self) -> None:
        """End it."""
        self._sock.close()

    def wait_arrived(self) -> None:
        """Until everything that any process has sent so far, on whatever CPU, has arrived."""
        allowed = os.sched_getaffinity(0)
        try:
            for cpu in allowed:
                os.sched_setaffinity(0, {cpu})
                self._round_trip()
        finally:
            os.sched_setaffinity(0, allowed)

    def _round_trip(self) -> None:
        """Send a marker and receive it; one that a flood has pushed out of the queue is sent again."""
        for _ in range(_MARKERS):
            self._number += 1
            marker = self._number.to_bytes(8, "big")
            self._sock.send(marker)
            with suppress(TimeoutError):
                while self._sock.recv(len(marker)) != marker:
                    pass  # a late one
                return
        raise UnprovedError("datagrams that this machine sends to itself get lost")


def usual_queue_takes(datagrams: Iterable[bytes], table: SocketTable, courier: Courier) -> bool:
    """Whether a socket of ours with the default size takes all these datagrams and drops none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        ours = Endpoint(*sock.getsockname()[:2])
        for datagram in datagrams:
            sock.sendto(datagram, ours)
        courier.wait_arrived()
        return not any(row.drops for row in table.dump_udp() if row.local == ours)


def must_carry_broadcasts() -> None:
    """See that what is sent to `BROADCAST` arrives.

    Raises:
        UnprovedError: on this machine it does not.
    """
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.settimeout(_MARKER_S)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            receiver.bind((BROADCAST, 0))
            sender.sendto(b"", receiver.getsockname())
            receiver.recv(1)
        except OSError as error:
            what = f"a broadcast to {BROADCAST} does not arrive on this machine: {error.strerror or error}"
            raise UnprovedError(what) from None
