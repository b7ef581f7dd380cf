"""A ticket machine, for lines or for HTTP: `server.py PORT lines|once|http`.  A thread for each client."""

import socket
import struct
import sys
import threading
import time
import zlib

GREETING = b"READY\n"
MOST_BYTES = 1 << 21


class TooLongError(Exception):
    """What a client announces is more than it may send."""


class Client:
    """A connection, and what has come on it that nobody has taken yet."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()
        self.tickets = 0
        self.last = b"none\n"

    def more(self):
        """Whether more has come; at the end of input nothing does."""
        data = self.connection.recv(65536)
        self.buffer += data
        return bool(data)

    def take(self, size):
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def line(self):
        """A line with its end; at the end of input what there is."""
        searched = 0
        while (at := self.buffer.find(b"\n", searched)) < 0:
            searched = len(self.buffer)
            if not self.more():
                return self.take(searched)
        return self.take(at + 1)

    def exactly(self, size):
        """So many bytes, or what there is of them."""
        if size > MOST_BYTES:
            raise TooLongError
        while len(self.buffer) < size:
            if not self.more():
                break
        return self.take(size)

    def send(self, data):
        self.connection.sendall(data)

    def ticket(self, name):
        self.tickets += 1
        self.last = b"%d %s %s\n" % (self.tickets, time.strftime("%H:%M:%S").encode(), name)
        return self.last


def added(data):
    """Two numbers in network byte order, as text."""
    return b"%d" % sum(struct.unpack("!ii", data))


def lines(client, once):
    client.send(GREETING)
    while line := client.line():
        word, _, rest = line.rstrip(b"\r\n").partition(b" ")
        complete = line.endswith(b"\n")
        if word == b"TICKET":
            reply = client.ticket(rest)
        elif not complete:
            return
        elif word == b"FILL":
            reply = client.ticket(b"x" * int(rest))
        elif word == b"BYTES":
            size = int(rest)
            data = client.exactly(size)
            if len(data) < size:
                return
            reply = client.ticket(b"%08x" % zlib.crc32(data))
        elif word == b"ADD":
            data = client.exactly(8)
            if len(data) < 8:
                return
            reply = client.ticket(added(data))
        elif word == b"AGAIN":
            reply = client.last
        elif word == b"BYE":
            reply = b"BYE\n"
        else:
            reply = b"ERR\n"
        client.send(reply)
        if once or word == b"BYE":
            return


def http(client, once):
    while request := client.line():
        headers = {}
        while (line := client.line()).strip():
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if not line:
            return
        size = int(headers.get(b"content-length", 0))
        data = client.exactly(size)
        if len(data) < size:
            return
        method, _, rest = request.partition(b" ")
        kind, _, name = rest.split(b" ")[0].removeprefix(b"/").partition(b"/")
        if kind == b"add":
            body = client.ticket(added(data))
        elif method == b"POST":
            body = data
        elif kind == b"fill":
            body = b"x" * int(name)
        else:
            body = client.ticket(name)
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        if once or headers.get(b"connection") == b"close":
            return


def linger(connection):
    """Until the client has closed its side: what comes behind the last request must not cost it the reply."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def serve(connection, kind):
    client = Client(connection)
    with connection:
        try:
            if kind == "http":
                http(client, False)
            else:
                lines(client, kind == "once")
        except TooLongError:
            pass
        except OSError:
            return
        try:
            linger(connection)
        except OSError:
            pass


def port_of(arguments):
    """The port that it is given (ValueError: there is none)."""
    if len(arguments) != 3:
        raise ValueError("server.py PORT lines|once|http")
    port = int(arguments[1])
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    return port


def main():
    try:
        port = port_of(sys.argv)
    except ValueError as error:
        sys.exit(f"usage: {error}")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", port))
    except OSError as error:
        sys.exit(f"port {port}: {error.strerror}")
    listener.listen(128)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, sys.argv[2]), daemon=True).start()


try:
    main()
except KeyboardInterrupt:
    pass
