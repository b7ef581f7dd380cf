import os
import random
import socket
import struct
import sys
import time

HEADER = struct.Struct("!IIHH")
START, DATA, END, ACK = 1, 2, 3, 4
TRIES = 5
TIMEOUT_S = 0.5


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode(transfer, number, kind, payload=b""):
    bare = HEADER.pack(transfer, number, kind, 0) + payload
    return HEADER.pack(transfer, number, kind, checksum(bare)) + payload


def wait(server, wanted):
    """Whether this datagram comes in time."""
    end = time.monotonic() + TIMEOUT_S
    while (left := end - time.monotonic()) > 0:
        server.settimeout(left)
        try:
            if server.recv(2048) == wanted:
                return True
        except (TimeoutError, ConnectionRefusedError):
            pass
    return False


def send(server, transfer, number, kind, payload=b""):
    frame, wanted = encode(transfer, number, kind, payload), encode(transfer, number, ACK)
    for _ in range(TRIES):
        try:
            server.send(frame)
        except ConnectionRefusedError:
            pass
        if wait(server, wanted):
            return
    sys.exit(f"client: no answer to frame {number} after {TRIES} tries")


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: client HOST PORT FILE")
    host, port, path = sys.argv[1:]
    with open(path, "rb") as file, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.connect((host, int(port)))
        transfer, number, size = random.getrandbits(32), 0, 0
        name = os.path.basename(path)
        send(server, transfer, 0, START, name.encode())
        while piece := file.read(1024):
            number += 1
            size += len(piece)
            send(server, transfer, number, DATA, piece)
        send(server, transfer, number + 1, END)
    print(f"sent {name}, {size} bytes")


try:
    main()
except OSError as problem:
    sys.exit(f"client: {problem}")
except KeyboardInterrupt:
    sys.exit(130)
