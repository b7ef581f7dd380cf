"""A right server in CPython.  Arguments: threads, selectors, asyncio or socketserver; the port: see stillness.py."""

from __future__ import annotations

import asyncio
import gc
import queue
import selectors
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path


def compute(milliseconds: int) -> None:
    """Be busy for so long."""
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end:
        pass


def collect() -> None:
    """Make garbage in cycles, and collect it."""
    for _ in range(1000):
        ring: list[object] = []
        ring.append(ring)
    gc.collect()


def hand_over(milliseconds: int) -> None:
    """Let another thread be busy for so long, and wait for it."""
    done: queue.Queue[None] = queue.Queue()

    def work() -> None:
        compute(milliseconds)
        done.put(None)

    threading.Thread(target=work).start()
    done.get()


def wake_by_socket(milliseconds: int) -> None:
    """The same, but wait in the kernel's way: a byte on a socket pair, seen by a selector."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        compute(milliseconds)
        theirs.send(b"x")

    with ours, theirs, selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        thread = threading.Thread(target=work)
        thread.start()
        selector.select()
        thread.join()


def answer(line: bytes) -> bytes:
    """The answer to a request, or nothing when it asks for none."""
    kind, amount, word = line.split()
    match kind:
        case b"compute":
            compute(int(amount))
        case b"hand":
            (wake_by_socket if sys.argv[1] == "selectors" else hand_over)(int(amount))
        case b"sleep":
            time.sleep(int(amount) / 1000)
        case b"file":
            Path(__file__).read_bytes()
        case b"collect":
            collect()
        case b"ignore":
            return b""
        case b"stuck":
            threading.Event().wait()
    return word.upper() + b"\n"


def serve_client(sock: socket.socket) -> None:
    """Answer one client until it leaves."""
    with sock, sock.makefile("rb") as lines:
        for line in lines:
            sock.sendall(answer(line))


def threads(listener: socket.socket) -> None:
    """A thread for each client."""
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve_client, args=(sock,)).start()


def select(listener: socket.socket) -> None:
    """One thread, and a selector."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, bytearray())
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                sock, _ = listener.accept()
                selector.register(sock, selectors.EVENT_READ, bytearray())
                continue
            assert isinstance(key.fileobj, socket.socket)  # noqa: S101 — nothing else was registered
            if not _serve_readable(key.fileobj, key.data):
                selector.unregister(key.fileobj)
                key.fileobj.close()


def _serve_readable(sock: socket.socket, buffer: bytearray) -> bool:
    data = sock.recv(4096)
    buffer += data
    *lines, rest = buffer.split(b"\n")
    buffer[:] = rest
    for line in lines:
        sock.sendall(answer(bytes(line)))
    return bool(data)


async def serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one client until it leaves."""
    while line := await reader.readline():
        kind, amount, _ = line.split()
        if kind == b"sleep":
            await asyncio.sleep(int(amount) / 1000)
            kind = b"now"
        elif kind == b"hand":
            await asyncio.get_running_loop().run_in_executor(None, compute, int(amount))
            kind = b"now"
        elif kind == b"stuck":
            await asyncio.get_running_loop().create_future()
        writer.write(answer(b" ".join((kind, *line.split()[1:]))))
        await writer.drain()
    writer.close()


async def streams(listener: socket.socket) -> None:
    """Tasks of an event loop."""
    async with await asyncio.start_server(serve_stream, sock=listener) as server:
        await server.serve_forever()


class Handler(socketserver.StreamRequestHandler):
    """For socketserver."""

    def handle(self) -> None:
        """Answer one client until it leaves."""
        for line in self.rfile:
            self.wfile.write(answer(line))


def main() -> None:
    """Listen and serve."""
    style, port = sys.argv[1], int(sys.argv[2])
    if style == "socketserver":
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        with socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler) as server:
            server.serve_forever()
    with socket.create_server(("127.0.0.1", port)) as listener:
        if style == "asyncio":
            asyncio.run(streams(listener))
        else:
            {"threads": threads, "selectors": select}[style](listener)


if __name__ == "__main__":
    main()
