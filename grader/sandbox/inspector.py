"""Where a Node program is, asked of the inspector that every Node has, as a debugger asks it.

SIGUSR1, if Node catches it, makes it listen for a debugger on a port of 127.0.0.1, from a thread of its own; one that
runs JavaScript is paused, and says its stack.  One that waits in its event loop has no stack: what it would call next
are the listeners of its sockets, and V8 knows where each function begins.  A program that sleeps in a system call
(readSync, execSync) answers nothing.

The port is one that this process listens on since the signal, so that nobody else's debugger is met.  What the
inspector says is text from the program, bounded in time and size.  Standard library only.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from grader.sandbox import proc

#: Node was seen to listen within 10 ms and to answer within 100; on a busy machine sixty times that.
_ASKED_S: Final = 6.0
_LOOK_S: Final = 0.002
_MOST_BYTES: Final = 1 << 22
#: Of one stack, and of a function's or file's name: what is longer is none.
_MOST_FRAMES: Final = 200
_NAME_CHARACTERS: Final = 4096
#: What an answer leads to that is none of Node's: other JSON than asked for, or deeper, or a number that is none.
_NOT_NODES: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError)
#: Handshakes and heads.
_HEAD_BYTES: Final = 1 << 14
#: What is dropped of the inspector's own words on the program's stderr.
_DROPPED_BYTES: Final = 1 << 16
_LISTEN: Final = "0A"
_LOOPBACK: Final = "0100007F"
_TEXT: Final = 1
#: Listeners: of sockets that clients talk on, and of those that they come to.
_MOST_LISTENERS: Final = 20
_LISTENERS: Final = """(() => {
  const found = [];
  for (const name of ['data', 'message', 'readable', 'request', 'connection'])
    for (const handle of process._getActiveHandles())
      for (const one of handle.listeners?.(name) ?? []) found.push([name, one]);
  return found.slice(0, MOST).flat();
})()""".replace("MOST", str(_MOST_LISTENERS))
#: How what waits for such an event is called, so that it is ranked as any other program's.
_WAITS_IN: Final = {"data": "recv", "message": "recv", "readable": "recv"}
_FOR_ANYBODY: Final = "accept"

#: A function, its file and the line, as frames are told.
Place = tuple[str, str, int]


def places(pid: int, *, runs: bool) -> Iterator[list[Place]]:
    """Stacks, the innermost function first; none if the program does not answer in time.  It is stopped afterwards.

    `runs`: its main thread is on a CPU, or ready to.
    """
    deadline = time.monotonic() + _ASKED_S
    with (
        suppress(OSError, EOFError, *_NOT_NODES),
        _Inspector(_opened(pid, deadline), deadline) as it,
    ):
        try:
            it.ask("Debugger.enable")
            yield from [it.stack()] if runs else it.listeners()
        finally:
            _stop(pid)  # it would say on its stderr that its debugger has left
    _drop_errors(pid)


def _stop(pid: int) -> None:
    """Stop all its threads; the one that the signal wakes tells the others."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _ASKED_S
    while proc.not_stopped(pid) and time.monotonic() < deadline:
        select.select([], [], [], _LOOK_S)


def _drop_errors(pid: int) -> None:
    """What the inspector has printed on the program's stderr is no output of the program's."""
    with suppress(OSError):
        errors = os.open(f"/proc/{pid}/fd/2", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISFIFO(os.fstat(errors).st_mode):
                os.read(errors, _DROPPED_BYTES)
        finally:
            os.close(errors)


def _opened(pid: int, deadline: float) -> int:
    """Let Node listen; the port.

    Raises:
        OSError: it does not, or is gone.
    """
    before = _listening(pid)
    os.kill(pid, signal.SIGUSR1)
    while not (now := _listening(pid) - before):
        if time.monotonic() > deadline:
            raise TimeoutError
        select.select([], [], [], _LOOK_S)
    return now.pop()


def _listening(pid: int) -> set[int]:
    """The ports of 127.0.0.1 that a process listens on."""
    with open(f"/proc/{pid}/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    ports = {f"socket:[{row[9]}]": row[1] for row in rows if row[3] == _LISTEN and row[1].startswith(_LOOPBACK)}
    files = set()
    for name in os.listdir(f"/proc/{pid}/fd") if ports else ():
        with suppress(OSError):
            files.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return {int(ports[one].partition(":")[2], 16) for one in ports.keys() & files}


class _Inspector:
    """A conversation with it: JSON in the frames of a WebSocket (RFC 6455)."""

    def __init__(self, port: int, deadline: float) -> None:
        self._deadline = deadline
        self._left = b""
        self._number = 0
        self._scripts: dict[str, str] = {}
        self._paused: dict[str, Any] | None = None
        with socket.create_connection(("127.0.0.1", port), self._rest_s()) as asked:
            asked.sendall(b"GET /json/list HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            target = json.loads(self._body(asked))[0]["id"]
        self._socket = socket.create_connection(("127.0.0.1", port), self._rest_s())
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
        words = f"GET /{target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        self._socket.sendall(words.encode())
        self._head(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _rest_s(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _more(self, asked: socket.socket) -> None:
        asked.settimeout(self._rest_s())
        chunk = asked.recv(1 << 16)
        if not chunk:
            raise EOFError
        self._left += chunk

    def _take(self, size: int) -> bytes:
        while len(self._left) < size:
            self._more(self._socket)
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def _head(self, asked: socket.socket) -> bytes:
        while b"\r\n\r\n" not in self._left:
            if len(self._left) > _HEAD_BYTES:
                raise ValueError
            self._more(asked)
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        return head

    def _body(self, asked: socket.socket) -> bytes:
        head = self._head(asked).lower()
        size = int(head.partition(b"content-length:")[2].split()[0])
        while len(self._left) < min(size, _HEAD_BYTES):
            self._more(asked)
        body, self._left = self._left[:size], b""
        return body

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of one question; events that come before it are remembered."""
        self._number += 1
        told = json.dumps({"id": self._number, "method": method, "params": parameters}).encode()
        mask = b"\0\0\0\0"
        size = bytes([0x80 | len(told)]) if len(told) < 126 else struct.pack("!BH", 0x80 | 126, len(told))
        self._socket.sendall(bytes([0x80 | _TEXT]) + size + mask + told)
        while (heard := self._hear()).get("id") != self._number:
            self._note(heard)
        result: dict[str, Any] = heard["result"]
        return result

    def _hear(self) -> dict[str, Any]:
        first, size = self._take(2)
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        if size > _MOST_BYTES:
            raise ValueError
        words = self._take(size)
        heard: dict[str, Any] = json.loads(words) if first & 0x0F == _TEXT else {}
        return heard

    def _note(self, heard: dict[str, Any]) -> None:
        told = heard.get("params", {})
        if heard.get("method") == "Debugger.scriptParsed":
            self._scripts[told["scriptId"]] = told["url"]
        elif heard.get("method") == "Debugger.paused":
            self._paused = told

    def stack(self) -> list[Place]:
        """Of the program, which runs."""
        self.ask("Debugger.pause")
        while self._paused is None:
            self._note(self._hear())
        frames = self._paused["callFrames"][:_MOST_FRAMES]
        return [self._place(frame["functionName"], frame["location"]) for frame in frames]

    def listeners(self) -> Iterator[list[Place]]:
        """What its sockets would call, each as if it were called by what waits for that."""
        found = self.ask("Runtime.evaluate", expression=_LISTENERS)["result"]["objectId"]
        told = self.ask("Runtime.getProperties", objectId=found, ownProperties=True)["result"]
        values = [one["value"] for one in told if one["name"].isdecimal()]
        pairs = zip(values[::2], values[1::2], strict=False)
        for name, listener in islice(pairs, _MOST_LISTENERS):
            inside = self.ask("Runtime.getProperties", objectId=listener["objectId"], ownProperties=True)
            known = {one["name"]: one.get("value", {}) for one in inside["internalProperties"]}
            event = str(name["value"])
            place = self._place(f"its {event[:_NAME_CHARACTERS]!r} listener", known["[[FunctionLocation]]"]["value"])
            yield [(_WAITS_IN.get(event, _FOR_ANYBODY), "", 0), place]

    def _place(self, function: str, location: dict[str, Any]) -> Place:
        address = urlsplit(self._scripts.get(location["scriptId"], ""))
        file = unquote(address.path) if address.scheme in {"file", ""} else ""
        return str(function)[:_NAME_CHARACTERS], file[:_NAME_CHARACTERS], int(location["lineNumber"]) + 1
