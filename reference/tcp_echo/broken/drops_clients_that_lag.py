"""Fault: reads on from a client that does not read, and drops it when 2 MiB are waiting."""

import asyncio
import re
import sys

CLOSE = re.compile(rb"^close\r?\n", re.MULTILINE)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.line = b""
        self.closing = False
        self.dropped = 0

    def data_received(self, data):
        if self.closing:
            self.dropped += len(data)
            if self.dropped > 1 << 20:
                self.transport.close()
            return
        text = self.line + data
        found = CLOSE.search(text)
        if found:
            self.closing = True
            self.transport.write(data[: found.end() - len(self.line)])
            self.transport.write_eof()
            return
        self.line = text[text.rfind(b"\n") + 1 :][:7]
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > 2 << 20:
            self.transport.abort()


async def run(port):
    loop = asyncio.get_running_loop()
    await loop.create_server(Echo, "0.0.0.0", port)
    await asyncio.Event().wait()


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        asyncio.run(run(int(sys.argv[1])))
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
