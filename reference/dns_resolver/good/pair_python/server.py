"""Answers queries for one zone, over UDP and TCP: server.py PORT ZONEFILE"""

import ipaddress
import signal
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}
FORMERR, NXDOMAIN, NOTIMP, REFUSED = 1, 3, 4, 5
UDP_BYTES = 512


def encoded(name):
    labels = name.removesuffix(".").encode().split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def data_of(kind, words):
    if kind == "A" or kind == "AAAA":
        return ipaddress.ip_address(words[0]).packed
    if kind == "MX":
        return struct.pack("!H", int(words[0])) + encoded(words[1])
    return encoded(words[0])


class Zone:
    """The records of a file, by name in small letters with a dot at the end, and type."""

    def __init__(self, path):
        self.records = {}
        self.names = set()
        self.origin = ""
        for line in open(path, encoding="ascii"):
            words = line.split()
            if not words or words[0].startswith(";"):
                continue
            if words[0] == "$ORIGIN":
                self.origin = words[1].lower()
                continue
            name, ttl, kind = words[0].lower(), int(words[1]), words[3]
            self.names.add(name)
            self.records.setdefault((name, kind), []).append((ttl, data_of(kind, words[4:]), words[4].lower()))

    def has(self, name):
        return name == self.origin or name.endswith("." + self.origin)

    def answers(self, name, number):
        """The records that answer a question, each as bytes."""
        while number != TYPES["CNAME"] and (name, "CNAME") in self.records:
            ttl, data, target = self.records[name, "CNAME"][0]
            yield encoded(name) + struct.pack("!HHIH", TYPES["CNAME"], 1, ttl, len(data)) + data
            name = target
        for kind, its_number in TYPES.items():
            if its_number == number:
                for ttl, data, _ in self.records.get((name, kind), []):
                    yield encoded(name) + struct.pack("!HHIH", number, 1, ttl, len(data)) + data


def question_in(query):
    """(name, type, the question as it came); None: there is no question that can be read."""
    if query[4:6] != b"\0\1":
        return None
    labels, at = [], 12
    while at < len(query) and query[at]:
        if query[at] > 63:
            return None
        labels.append(query[at + 1 : at + 1 + query[at]])
        at += 1 + query[at]
    if at + 5 > len(query):
        return None
    name = b".".join(labels).decode("latin-1").lower() + "."
    return name, int.from_bytes(query[at + 1 : at + 3], "big"), query[12 : at + 5]


def answer(zone, query, most_bytes):
    """The answer to a query; None: it gets none."""
    if len(query) < 12 or query[2] & 0x80:
        return None
    flags = 0x8000 | int.from_bytes(query[2:4], "big") & 0x7900

    def message(code, question=b"", records=(), bits=0):
        counts = struct.pack("!5H", flags | bits | code, bool(question), len(records), 0, 0)
        return query[:2] + counts + question + b"".join(records)

    if query[2] & 0x78:
        return message(NOTIMP)
    asked = question_in(query)
    if asked is None:
        return message(FORMERR)
    name, number, question = asked
    if not zone.has(name):
        return message(REFUSED, question)
    if name not in zone.names:
        return message(NXDOMAIN, question, bits=0x0400)
    whole = message(0, question, list(zone.answers(name, number)), bits=0x0400)
    return whole if len(whole) <= most_bytes else message(0, question, bits=0x0600)


def serve_tcp(zone, client):
    with client, client.makefile("rb") as stream:
        while len(length := stream.read(2)) == 2:
            size = int.from_bytes(length, "big")
            query = stream.read(size)
            if len(query) < size:
                return
            if (reply := answer(zone, query, 65535)) is not None:
                client.sendall(struct.pack("!H", len(reply)) + reply)


def serve_client(zone, client):
    try:
        serve_tcp(zone, client)
    except OSError as error:
        print(error, file=sys.stderr)


def accept_all(zone, listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            print(error, file=sys.stderr)
            continue
        threading.Thread(target=serve_client, args=(zone, client), daemon=True).start()


def main():
    try:
        port = int(sys.argv[1])
        if not 0 < port < 65536 or len(sys.argv) != 3:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit("usage: server PORT ZONEFILE")
    try:
        zone = Zone(sys.argv[2])
    except (OSError, ValueError, IndexError) as error:
        sys.exit(f"server: {sys.argv[2]}: {error}")
    try:
        listener = socket.create_server(("", port), backlog=100)
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("", port))
    except OSError as error:
        sys.exit(f"server: port {port}: {error}")
    threading.Thread(target=accept_all, args=(zone, listener), daemon=True).start()
    while True:
        try:
            query, client = server.recvfrom(65536)
            if (reply := answer(zone, query, UDP_BYTES)) is not None:
                server.sendto(reply, client)
        except OSError as error:
            print(error, file=sys.stderr)


signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    main()
except KeyboardInterrupt:
    pass
