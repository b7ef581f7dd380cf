"""Asks by asyncio's streams, and collects the body piece by piece."""

import asyncio
import sys
from urllib.parse import urlsplit


class Problem(Exception):
    pass


async def head_of(reader):
    """(status, headers)"""
    start = await reader.readline()
    if not start.startswith(b"HTTP/1."):
        raise Problem("the reply is not HTTP" if start else "there was no reply")
    headers = {}
    while (line := await reader.readuntil(b"\n")).strip():
        name, value = line.decode("latin-1").split(":", 1)
        headers[name.strip().lower()] = value.strip()
    return start.split()[1].decode(), headers


async def pieces_of(reader, headers):
    if headers.get("transfer-encoding") == "chunked":
        while True:
            line = await reader.readuntil(b"\n")
            length = int(line.split(b";")[0], 16)
            yield await reader.readexactly(length)
            await reader.readuntil(b"\n")
            if length == 0:
                return
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while piece := await reader.read(4096):
            yield piece


async def fetch(url):
    reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 20)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = (f"GET {target} HTTP/1.1", f"Host: {url.netloc}", "Connection: close", "Accept: */*", "", "")
    writer.write("\r\n".join(lines).encode())
    status, headers = await head_of(reader)
    if status != "200":
        raise Problem(f"status {status}")
    body = [piece async for piece in pieces_of(reader, headers)]
    writer.close()
    return b"".join(body)


def main():
    try:
        url = urlsplit(sys.argv[1])
        if url.scheme != "http" or not url.port:
            raise Problem(f"{sys.argv[1]} is not http://HOST:PORT/PATH")
        body = asyncio.run(fetch(url))
        with open("output", "wb") as file:
            file.write(body)
    except asyncio.IncompleteReadError:
        sys.exit("the connection was closed in the middle of the reply")
    except (Problem, OSError, IndexError, ValueError) as error:
        sys.exit(f"http_client: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


main()
