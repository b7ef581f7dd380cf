"""Asks a name server for the records of a name: client.py HOST PORT NAME TYPE"""

import ipaddress
import secrets
import socket
import struct
import sys
import time

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}
CODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
TRIES = 3
MOST_POINTERS = 127


class Failure(Exception):
    """There is no answer to print; says why."""


class Improper(Exception):
    """What came is no message, or not the answer."""


def encoded(name):
    labels = name.removesuffix(".").encode().split(b".")
    if not all(1 <= len(label) <= 63 for label in labels) or sum(len(label) + 1 for label in labels) > 254:
        raise Failure(f"{name!r} is not a name")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decoded(message, at):
    """The name at this place in small letters, and the place behind it."""
    labels, behind, pointers = [], None, 0
    while message[at]:
        size = message[at]
        if size >= 0xC0:
            behind = behind or at + 2
            pointers += 1
            if pointers > MOST_POINTERS:
                raise Improper("pointers in a circle")
            at = (size & 0x3F) << 8 | message[at + 1]
        elif size > 63:
            raise Improper("neither a length nor a pointer")
        else:
            labels.append(message[at + 1 : at + 1 + size].decode("latin-1").lower())
            at += 1 + size
    return ".".join(labels), behind or at + 1


def data_of(message, at, size, kind):
    """The data of a record, as they are printed."""
    data = message[at : at + size]
    if len(data) < size:
        raise Improper("a record is cut short")
    if kind in (1, 28):
        if size != (4 if kind == 1 else 16):
            raise Improper("an address has another length")
        return str(ipaddress.ip_address(data))
    if kind == 5:
        return decoded(message, at)[0]
    if kind == 15:
        return f"{data[0] << 8 | data[1]} {decoded(message, at + 2)[0]}"
    return None


def records_in(message, query):
    """(flags, records as (name, type, data)) of an answer to the query."""
    number, flags, questions, answers = struct.unpack("!4H", message[:8])
    if message[:2] != query[:2] or not flags & 0x8000 or questions != 1:
        raise Improper("not an answer to this query")
    name, at = decoded(message, 12)
    if name != decoded(query, 12)[0] or message[at : at + 4] != query[-4:]:
        raise Improper("an answer to another question")
    at += 4
    records = []
    for _ in range(answers):
        name, at = decoded(message, at)
        kind, _, _, size = struct.unpack("!HHIH", message[at : at + 10])
        records.append((name, kind, data_of(message, at + 10, size, kind)))
        at += 10 + size
    return flags, records


def proper(message, query):
    try:
        return records_in(message, query)
    except (IndexError, struct.error) as error:
        raise Improper("a message that is cut short") from error


def ask_over_udp(address, query):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.connect(address)
        for _ in range(TRIES):
            server.send(query)
            until = time.monotonic() + 1
            while (left := until - time.monotonic()) > 0:
                server.settimeout(left)
                try:
                    return proper(server.recv(65536), query)
                except (TimeoutError, Improper):
                    continue
    raise Failure("no answer came")


def ask_over_tcp(address, query):
    with socket.create_connection(address, timeout=10) as server:
        server.sendall(struct.pack("!H", len(query)) + query)
        with server.makefile("rb") as stream:
            length = stream.read(2)
            message = stream.read(int.from_bytes(length, "big"))
            if len(length) < 2 or len(message) < int.from_bytes(length, "big"):
                raise Failure("the connection ended before the answer")
    try:
        return proper(message, query)
    except Improper as error:
        raise Failure(f"over TCP came {error}") from error


def lines_of(records, name, kind):
    """The records that answer the question, as lines."""
    for owner, its_kind, data in records:
        if owner == name and its_kind == 5 and kind != "CNAME":
            yield f"{owner} CNAME {data}"
            name = data
        elif owner == name and its_kind == TYPES[kind]:
            yield f"{owner} {kind} {data}"


def main():
    if len(sys.argv) != 5 or sys.argv[4] not in TYPES:
        raise Failure("usage: client HOST PORT NAME TYPE")
    host, port, name, kind = sys.argv[1:]
    question = encoded(name) + struct.pack("!HH", TYPES[kind], 1)
    query = struct.pack("!6H", secrets.randbelow(65536), 0x0100, 1, 0, 0, 0) + question
    address = socket.gethostbyname(host), int(port)
    flags, records = ask_over_udp(address, query)
    if flags & 0x0200:
        flags, records = ask_over_tcp(address, query)
    if code := flags & 0x000F:
        raise Failure(CODES.get(code, f"RCODE {code}"))
    lines = list(lines_of(records, name.removesuffix(".").lower(), kind))
    if not any(line.split()[1] == kind for line in lines):
        raise Failure("NODATA")
    print("\n".join(lines))


try:
    main()
except (Failure, OSError, UnicodeError) as problem:
    sys.exit(f"client: {problem}")
except KeyboardInterrupt:
    sys.exit(130)
