"""Ports of this machine: which are free, which a program may be told to use, and which is kept from it.

A port that is found free here may be taken by somebody else a moment later where the network is shared; so every
grading there looks in an order of its own, and a program that could not have its port is told so by what it says.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.job import Job
from grader.wire.faults import UnprovedError

#: Below the kernel's ephemeral range, so that no client of ours ever sits on one, and above the well-known ones; above
#: them also with its bytes swapped, since a program that forgets htons must be found there.
_PORTS = tuple(port for port in range(20_000, 32_000) if (port & 0xFF) << 8 >= 1024)
_PORT_TRIES = 100


class Ports:
    """The ports of one grading.

    `make_room`: ends the programs that may hold some.
    """

    def __init__(self, job: Job, make_room: Callable[[], None]) -> None:
        self._make_room = make_room
        self._over_tcp = job.assignment.transport == "tcp"
        self._spec = job.assignment.server
        # Where others use the network too, each of them with the same seed perhaps, the same ports for all would be
        # taken by one between another's look and its program's start.
        self._choices = random.Random(job.seed if job.private_network else None)  # noqa: S311 — not secret
        self._used: set[int] = set()
        self._own: int | None = None

    def find(self) -> int:
        """A port that nobody uses and that is not the assignment's default.

        Raises:
            UnprovedError: none was found: something other than the program holds most of them.
        """
        port = self._find()
        if port is None:
            self._make_room()  # it may be what holds them
            port = self._find()
        if port is None:
            raise UnprovedError("no free port was found to start the program on")
        self._used.add(port)
        return port

    def for_server(self) -> int:
        """Where a server is told to listen next: on a port that nobody uses, or where the assignment says.

        Raises:
            UnprovedError: it can't be had.
        """
        fixed = self._spec.port
        if fixed is None:
            return self.find()
        if not self.can_hold(fixed):
            self._make_room()
        if not self.can_hold(fixed):
            raise UnprovedError(f"something else on this machine uses port {fixed}, where it must listen")
        self._used.add(fixed)
        return fixed

    def find_further(self) -> dict[str, int]:
        """A port for each of the server's further ones, by name."""
        return {name: self.find() for name in self._spec.further_names}

    def _find(self) -> int | None:
        tried = (self._choices.choice(_PORTS) for _ in range(_PORT_TRIES))
        taken = {self._spec.usual_port, *self._spec.ports.values(), *self._used}
        # Of the other transport, too: it is what a server or client of both needs (DNS).
        return next((port for port in tried if port not in taken and self._is_free(port, both=True)), None)

    @property
    def own(self) -> int | None:
        """Where the program always listens, once that is known, or since the assignment says so."""
        return self._own or self._spec.port

    def note_listening(self, port: int, given: int) -> None:
        """A program that was given one port listens on another, or on that one."""
        self._used.add(port)
        if port != given:
            self._own = port

    def was_used(self, port: int) -> bool:
        """Whether this grading has used it."""
        return port in self._used

    def can_hold(self, port: int) -> bool:
        """Whether we could listen on a port of this machine: nothing else does; old connections may be left."""
        return self._is_free(port, left_over=True)

    def _is_free(self, port: int, *, left_over: bool = False, both: bool = False) -> bool:
        kinds = {socket.SOCK_STREAM if self._over_tcp else socket.SOCK_DGRAM}
        kinds |= {socket.SOCK_STREAM, socket.SOCK_DGRAM} if both else set()
        return all(_can_bind(port, kind, left_over=left_over) for kind in kinds)

    @contextmanager
    def held(self) -> Iterator[int]:
        """A port on which we listen ourselves, on every address: a free one, or the program's own.

        Raises:
            UnprovedError: it can't be held.
        """
        self._make_room()
        port = self.own or self.find()
        try:
            holder = self._hold(port)
        except OSError as error:
            raise UnprovedError(f"port {port} could not be held: {error.strerror}") from None
        with holder:
            yield port

    def _hold(self, port: int) -> socket.socket:
        """A socket that keeps everyone else from a port, on every address of both families."""
        kind = socket.SOCK_STREAM if self._over_tcp else socket.SOCK_DGRAM
        holder = socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET, kind)
        try:
            if holder.family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # Over TCP a connection in TIME_WAIT may be there still; over UDP it lets who sets it, too, share the port.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("", port))
            if self._over_tcp:
                holder.listen()
        except OSError:
            holder.close()
            raise
        return holder


def _can_bind(port: int, kind: socket.SocketKind, *, left_over: bool) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if left_over and kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
