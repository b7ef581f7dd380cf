"""Fault: does not change socketserver's default, which is not to set SO_REUSEADDR."""

import re
import socket
import socketserver
import sys

CLOSE = re.compile(rb"^close\r?\n", re.MULTILINE)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.echo()
        except OSError:
            pass

    def echo(self):
        line = b""
        while data := self.request.recv(4096):
            text = line + data
            found = CLOSE.search(text)
            if found:
                self.request.sendall(data[: found.end() - len(line)])
                self.drop_rest()
                return
            self.request.sendall(data)
            line = text[text.rfind(b"\n") + 1 :][:7]

    def drop_rest(self):
        self.request.shutdown(socket.SHUT_WR)
        dropped = 0
        while dropped < 1 << 20 and (data := self.request.recv(4096)):
            dropped += len(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or not 1 <= int(sys.argv[1]) <= 65535:
        print("usage: server.py PORT", file=sys.stderr)
        return 2
    try:
        server = Server(("", int(sys.argv[1])), Echo)
    except OSError as error:
        print("server.py: can't listen:", error, file=sys.stderr)
        return 1
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
