"""Ports for clients of ours, when a program has taken all that the kernel hands out.

The kernel chooses among 28 232 ports (ip(7), ip_local_port_range), which a dozen or so processes can hold.  Below them
are others, which it gives only to those who ask for them.
"""

from __future__ import annotations

import errno
import random
import socket

#: Above the well-known ports, and below those on which programs are told to listen.
_SPARE = range(1024, 20_000)


def bind_to_spare_port(sock: socket.socket, host: str = "") -> bool:
    """Bind a socket to a port that the kernel does not hand out; whether one was left."""
    # In any order: those that clients before have had are in TIME_WAIT.
    for port in random.sample(_SPARE, len(_SPARE)):
        try:
            sock.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return True
    return False


def has_address(host: str) -> bool:
    """Whether this machine has the address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True
