"""A web server with asyncio's streams, which reads a request up to its empty line."""

import asyncio
import contextlib
import mimetypes
import signal
import sys
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

KNOWN = mimetypes.MimeTypes()


def head(status, headers):
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def error(status, method="GET", **headers):
    page = f"<!DOCTYPE html>\n<title>{status.phrase}</title>\n<h1>{status.value} {status.phrase}</h1>\n".encode()
    told = {"Content-Type": "text/html", "Content-Length": len(page), **headers}
    return head(status, told) + (b"" if method == "HEAD" else page)


def parse(data):
    """(method, path, whether the connection stays open); ValueError: that is no request."""
    first, *lines = data.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise ValueError(version)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line)
        headers[name.lower()] = value.strip()
    keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return method, unquote(target.split("?")[0], "utf-8", "surrogateescape"), keep


def file_of(root, path):
    with contextlib.suppress(OSError, ValueError):
        found = (root / path.lstrip("/")).resolve()
        if found.is_dir():
            found = found / "index.html"
        if found.is_relative_to(root) and found.is_file():
            return found
    return None


def answer(root, method, path):
    if method not in {"GET", "HEAD"}:
        return error(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
    found = file_of(root, path)
    if found is None:
        return error(HTTPStatus.NOT_FOUND, method)
    content = found.read_bytes()
    kind = KNOWN.guess_type(found.name)[0] or "application/octet-stream"
    start = head(HTTPStatus.OK, {"Content-Type": kind, "Content-Length": len(content)})
    return start if method == "HEAD" else start + content


async def serve(root, reader, writer):
    try:
        keep = True
        while keep:
            data = await reader.readuntil(b"\r\n\r\n")
            try:
                method, path, keep = parse(data[:-4])
                writer.write(answer(root, method, path))
            except ValueError:
                keep = False
                writer.write(error(HTTPStatus.BAD_REQUEST))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def main(port, root):
    try:
        server = await asyncio.start_server(lambda r, w: serve(root, r, w), "0.0.0.0", port, backlog=128)
    except OSError as problem:
        sys.exit(f"port {port}: {problem}")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        await stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


try:
    port, root = int(sys.argv[1]), Path(sys.argv[2]).resolve()
    if not 0 < port < 65536:
        raise ValueError("no such port")
except (IndexError, ValueError) as problem:
    sys.exit(f"usage: web_server PORT ROOT ({problem})")
asyncio.run(main(port, root))
