"""What the kernel knows about TCP and UDP sockets in this network namespace, by sock_diag(7).

Asking about exactly one socket takes 20 to 45 microseconds, whatever else is open; that is what a gate does after every
fragment.  /proc/net/tcp walks the whole table (2 ms).  Needs no privilege, but clearing TIME_WAIT rows needs NET_ADMIN.

Layouts: linux/inet_diag.h, linux/sock_diag.h (SK_MEMINFO_…) and linux/tcp.h (struct tcp_info, whose fields only ever
grow at its end).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal, NamedTuple

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _SOCK_DESTROY = 20, 21
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_DUMP = 0x1, 0x4, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_INET_DIAG_INFO, _INET_DIAG_SKMEMINFO, _INET_DIAG_SKV6ONLY = 2, 7, 11
_SK_MEMINFO_DROPS = 8
#: Which timer of a connection runs (idiag_timer).  In FIN_WAIT2 it is the one that ends what nobody holds any more.
_KEEPALIVE = 2
_HEADER = struct.Struct("=IHHII")
_REQUEST_HEAD = struct.Struct("=BBBxI")
_ROW_HEAD = struct.Struct("=BBBB")
_PORTS = struct.Struct("!HH")
_ROW_TAIL = struct.Struct("=IIIII")
_ANY_COOKIE = b"\xff" * 8
_SOCKID_BYTES = 48
_ADDRESS_BYTES = 16
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"
_ALL_STATES = 0xFFFFFFFF
#: All that we say to a program comes by the loopback device, and a socket that is bound to one (SO_BINDTODEVICE) is
#: found by that alone; its number is the same in every network namespace (LOOPBACK_IFINDEX).
_DEVICE = struct.pack("=I", 1)
#: More than three numbers of 64 bits take.
_SCHEDSTAT_BYTES = 100


class TcpState(IntEnum):
    """States of RFC 9293, numbered as in the kernel's tcp_states.h."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11


class Endpoint(NamedTuple):
    """An IPv4 or IPv6 address and a port; an IPv4-mapped IPv6 address is given as IPv4."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SocketRow:
    """One socket.  Queues in bytes, except in LISTEN: connections waiting to be accepted, and the backlog.

    A UDP socket has the state CLOSE, or ESTABLISHED once it is connected, and its queue counts the kernel's memory for
    each datagram besides its bytes: 0 means that none is waiting, not even an empty one.  `in_flight`: segments sent
    and not acknowledged.  `drops`: datagrams that did not fit.
    `probe_s`: in how many seconds the kernel asks the other side whether it is still there (SO_KEEPALIVE); None: never.
    """

    family: int
    state: TcpState
    local: Endpoint
    remote: Endpoint
    receive_queue: int
    send_queue: int
    inode: int
    bytes_received: int = 0
    segments_received: int = 0
    in_flight: int = 0
    drops: int = 0
    probe_s: float | None = None
    v6_only: bool = False
    protocol: int = socket.IPPROTO_TCP
    #: The kernel's own name for the socket: no other has it, not even a later one with the same ends.
    cookie: bytes = _ANY_COOKIE


class SocketTable:
    """A sock_diag conversation with the kernel.  Not for several threads.

    `private`: whether nobody else uses this network namespace.
    """

    def __init__(self, *, private: bool = False) -> None:
        self.private = private
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        self._netlink.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """End the conversation."""
        self._netlink.close()

    def find(self, local: Endpoint, remote: Endpoint) -> SocketRow | None:
        """The one socket with these ends, or None."""
        row = self._look_up(local, remote)
        return row if row and row.remote == remote else None

    def listener(self, local: Endpoint, remote: Endpoint) -> SocketRow | None:
        """The socket that would accept a connection with these ends, which does not exist; None: no socket would."""
        row = self._look_up(local, remote)
        return row if row and row.state is TcpState.LISTEN else None

    def _look_up(self, local: Endpoint, remote: Endpoint) -> SocketRow | None:
        """What the kernel finds: if no connection has these ends, the listener that would accept one."""
        self._ask(_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _request(_family(local), _ALL_STATES, _sockid(local, remote)))
        for kind, body in self._messages():
            return _row(body) if kind == _SOCK_DIAG_BY_FAMILY else None
        return None

    def dump(self, *states: TcpState) -> list[SocketRow]:
        """Every TCP socket in one of the states, IPv4 and IPv6."""
        return self._dump(sum(1 << state for state in states), socket.IPPROTO_TCP)

    def dump_udp(self) -> list[SocketRow]:
        """Every bound UDP socket, IPv4 and IPv6."""
        return self._dump(_ALL_STATES, socket.IPPROTO_UDP)

    def _dump(self, wanted: int, protocol: int) -> list[SocketRow]:
        rows = []
        for family in (socket.AF_INET, socket.AF_INET6):
            self._ask(
                _SOCK_DIAG_BY_FAMILY,
                _NLM_F_REQUEST | _NLM_F_DUMP,
                _request(family, wanted, bytes(_SOCKID_BYTES), protocol),
            )
            for kind, body in self._messages():
                if kind == _NLMSG_ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise OSError(code, f"sock_diag: {os.strerror(code)}")
                rows.append(_row(body, protocol))
        return rows

    def destroy(self, row: SocketRow) -> bool:
        """Remove a socket from the kernel (SOCK_DESTROY).  False if that is not allowed.

        If it is already gone, nothing is removed: without its cookie the kernel would take the listener behind it.
        """
        sockid = _sockid(row.local, row.remote, mapped=row.family, cookie=row.cookie)
        request = _request(row.family, 1 << row.state, sockid)
        self._ask(_SOCK_DESTROY, _NLM_F_REQUEST | _NLM_F_ACK, request)
        for kind, body in self._messages():
            if kind == _NLMSG_ERROR:
                code = -struct.unpack_from("=i", body)[0]
                return code in {0, errno.ENOENT, errno.ESTALE}
        return False

    def _ask(self, kind: int, flags: int, request: bytes) -> None:
        self._sequence += 1
        self._netlink.send(_HEADER.pack(_HEADER.size + len(request), kind, flags, self._sequence, 0) + request)

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        """The (type, body) of each message of the answer; ends after a single answer or at DONE."""
        while True:
            data = self._netlink.recv(1 << 16)
            offset = 0
            several = False
            while offset + _HEADER.size <= len(data):
                length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
                if sequence == self._sequence:
                    several = bool(flags & 0x2)  # NLM_F_MULTI
                    if kind == _NLMSG_DONE:
                        return
                    yield kind, data[offset + _HEADER.size : offset + length]
                offset += (length + 3) & ~3
            if not several:
                return


def _family(endpoint: Endpoint) -> int:
    return socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET


def _packed(endpoint: Endpoint, family: int) -> bytes:
    packed = socket.inet_pton(_family(endpoint), endpoint.host)
    if family == socket.AF_INET6 and len(packed) == 4:
        packed = _V4_MAPPED + packed
    return packed.ljust(_ADDRESS_BYTES, b"\0")


def _sockid(local: Endpoint, remote: Endpoint, mapped: int | None = None, cookie: bytes = _ANY_COOKIE) -> bytes:
    family = mapped or _family(local)
    ends = _packed(local, family) + _packed(remote, family)
    return _PORTS.pack(local.port, remote.port) + ends + _DEVICE + cookie


def _request(family: int, states: int, sockid: bytes, protocol: int = socket.IPPROTO_TCP) -> bytes:
    wanted = _INET_DIAG_INFO if protocol == socket.IPPROTO_TCP else _INET_DIAG_SKMEMINFO
    return _REQUEST_HEAD.pack(family, protocol, 1 << (wanted - 1), states) + sockid


def _endpoint(packed: bytes, family: int, port: int) -> Endpoint:
    if family == socket.AF_INET:
        return Endpoint(socket.inet_ntop(socket.AF_INET, packed[:4]), port)
    if packed.startswith(_V4_MAPPED):
        return Endpoint(socket.inet_ntop(socket.AF_INET, packed[12:]), port)
    return Endpoint(socket.inet_ntop(socket.AF_INET6, packed), port)


def _row(body: bytes, protocol: int = socket.IPPROTO_TCP) -> SocketRow:
    family, state, timer, _ = _ROW_HEAD.unpack_from(body)
    local_port, remote_port = _PORTS.unpack_from(body, 4)
    expires_ms, receive_queue, send_queue, _, inode = _ROW_TAIL.unpack_from(body, 4 + _SOCKID_BYTES)
    attributes = dict(_attributes(body, 4 + _SOCKID_BYTES + _ROW_TAIL.size))
    info = attributes.get(_INET_DIAG_INFO, b"")
    memory = attributes.get(_INET_DIAG_SKMEMINFO, b"")
    return SocketRow(
        family=family,
        state=TcpState(state),
        local=_endpoint(body[8:24], family, local_port),
        remote=_endpoint(body[24:40], family, remote_port),
        receive_queue=receive_queue,
        send_queue=send_queue,
        inode=inode,
        bytes_received=struct.unpack_from("=Q", info, 128)[0] if len(info) >= 136 else 0,
        segments_received=struct.unpack_from("=I", info, 152)[0] if len(info) >= 156 else 0,
        in_flight=struct.unpack_from("=I", info, 24)[0] if len(info) >= 28 else 0,
        drops=struct.unpack_from("=I", memory, 4 * _SK_MEMINFO_DROPS)[0] if len(memory) > 4 * _SK_MEMINFO_DROPS else 0,
        probe_s=expires_ms / 1000 if timer == _KEEPALIVE and state != TcpState.FIN_WAIT2 else None,
        v6_only=bool(attributes.get(_INET_DIAG_SKV6ONLY, b"\0")[0]),
        protocol=protocol,
        cookie=body[4 + _SOCKID_BYTES - len(_ANY_COOKIE) : 4 + _SOCKID_BYTES],
    )


def _attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            return
        yield kind, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def sockets_in_use() -> int | None:
    """How many sockets this network namespace has, but for Unix ones; None: the kernel does not count them.

    They are counted from when they are made until nothing holds them any more, wherever that is: in a table of
    descriptors, mapped into memory, or on their way through a Unix socket (unix(7), SCM_RIGHTS).  What is left of a
    connection in TIME_WAIT is none.
    """
    try:
        used, _, _ = Path("/proc/net/sockstat").read_text(encoding="ascii").partition("\n")
        with Path("/proc/net/unix").open("rb") as table:
            unix = sum(1 for _ in table) - 1  # the title
    except OSError:
        return None
    return int(used.removeprefix("sockets: used ")) - unix


_PRESSURE = Path("/proc/pressure")


def stalled_s() -> float | None:
    """Seconds since the machine's start in which somebody waited for I/O or a CPU (PSI); None: nobody counts them."""
    waits_s = [waited_s for waited_s in (_stalled_s("io"), _stalled_s("cpu")) if waited_s is not None]
    return sum(waits_s) if waits_s else None


def cpu_stalled_s() -> float | None:
    """Seconds since the machine's start in which somebody waited for a CPU (PSI); None: the kernel does not count."""
    return _stalled_s("cpu")


def _stalled_s(resource: Literal["cpu", "io"]) -> float | None:
    try:
        some, _, _ = (_PRESSURE / resource).read_text().partition("\n")
    except OSError:  # there is no such count, or it is switched off
        return None
    return int(some.rpartition("total=")[2]) / 1e6


class CpuWaits:
    """Seconds for which the thread that made this was ready to run and got no CPU; 0 where the kernel doesn't count.

    A call asks again.  It is asked some times in every wait, so the file stays open: 1 microsecond instead of 40.
    """

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def __call__(self) -> float:
        if self._file is None:
            return 0.0
        _, waited_ns, _ = os.pread(self._file, _SCHEDSTAT_BYTES, 0).split()
        return int(waited_ns) / 1e9


def machine() -> str:
    """The architecture whose system call numbers apply, as uname(2) names it."""
    return os.uname().machine
