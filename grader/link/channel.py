"""Frames over a stream: how driver and warden, and host and warden, talk.

A frame is a four-byte big-endian length and that many bytes of JSON, or raw bytes if a file goes along.
Descriptors travel with the first byte of their frame (SCM_RIGHTS), so a reader gets them with it or not at all.
Standard library only: this file is next to the warden in the sandbox image.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
#: An archive of MAX_UNPACKED_BYTES and its tar headers.
MAX_FRAME_BYTES = 256 * 1024 * 1024
#: No answer hands over more than: pidfd, stdin, stdout, stderr, and a terminal's other side.
MAX_DESCRIPTORS = 5


class ChannelClosedError(Exception):
    """The other side is gone."""


def pack(payload: bytes) -> bytes:
    """One frame around `payload`."""
    return _LENGTH.pack(len(payload)) + payload


def read_frame(fd: int) -> bytes:
    """Read one frame from a descriptor (a pipe, or a container's standard input).

    Raises:
        ChannelClosedError: it ended before the frame was complete.
    """
    (length,) = _LENGTH.unpack(_read_exactly(fd, _LENGTH.size))
    if length > MAX_FRAME_BYTES:
        message = f"a frame of {length} bytes"
        raise ChannelClosedError(message)
    return _read_exactly(fd, length)


def _read_exactly(fd: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = os.read(fd, min(size - len(data), 1 << 20))
        if not chunk:
            message = f"ended after {len(data)} of {size} bytes"
            raise ChannelClosedError(message)
        data += chunk
    return bytes(data)


class Channel:
    """A connected Unix stream socket that carries JSON frames and descriptors."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        """For select and poll."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close it; the other side sees ChannelClosedError."""
        self._sock.close()

    def send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Send one frame; the descriptors stay open here.

        Raises:
            ChannelClosedError: the other side is gone.
        """
        frame = pack(json.dumps(message).encode())
        try:
            if descriptors:
                sent = socket.send_fds(self._sock, [frame], list(descriptors))
                self._sock.sendall(frame[sent:])
            else:
                self._sock.sendall(frame)
        except OSError as error:
            self._sock.close()
            raise ChannelClosedError(str(error)) from error

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """Receive one frame and the descriptors that came with it (they are the caller's to close).

        Raises:
            ChannelClosedError: the other side is gone, or says nothing for as long as the socket's timeout.  Then the
                channel is closed, since what it says later would be mistaken for an answer to something else.
        """
        try:
            # Only the header is asked for first: descriptors come with a frame's first byte, and asking for no
            # more than this frame means that the next one's can't be taken along.
            head, descriptors, _, _ = socket.recv_fds(self._sock, _LENGTH.size, MAX_DESCRIPTORS)
            head += self._receive_exactly(_LENGTH.size - len(head)) if head else b""
            if not head:
                raise ChannelClosedError("end of stream")
            body = self._receive_exactly(_LENGTH.unpack(head)[0])
        except OSError as error:
            self._sock.close()
            raise ChannelClosedError(str(error)) from error
        message: dict[str, Any] = json.loads(body)
        return message, descriptors

    def _receive_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = self._sock.recv(size - len(data))
            if not chunk:
                message = f"ended after {len(data)} of {size} bytes"
                raise ChannelClosedError(message)
            data += chunk
        return bytes(data)
