"""Frames: a length, and as many bytes; server and client share them."""

import socket
import struct

MAX_LENGTH = 1024 * 1024  # bytes of numbers in a frame
CHUNK = 64 * 1024  # bytes that one recv may bring


class FrameError(Exception):
    """The other side has broken the protocol, or ended its side."""


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """The next `size` bytes; the memory for them grows as they come."""
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(size - len(data), CHUNK))
        if not chunk:
            raise FrameError("the connection has ended")
        data += chunk
    return bytes(data)


def receive_numbers(sock: socket.socket) -> tuple[int, ...]:
    (length,) = struct.unpack("!I", receive_exactly(sock, 4))
    if length > MAX_LENGTH or length % 4:
        raise FrameError(f"no frame has {length} bytes")
    return struct.unpack(f"!{length // 4}i", receive_exactly(sock, length))


def send_numbers(sock: socket.socket, numbers: list[int]) -> None:
    sock.sendall(struct.pack(f"!I{len(numbers)}i", 4 * len(numbers), *numbers))


def receive_sum(sock: socket.socket) -> int:
    (length,) = struct.unpack("!I", receive_exactly(sock, 4))
    if length != 8:
        raise FrameError(f"a sum has 8 bytes and not {length}")
    return struct.unpack("!q", receive_exactly(sock, 8))[0]


def send_sum(sock: socket.socket, total: int) -> None:
    sock.sendall(struct.pack("!Iq", 8, total))
