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


class Sender:
    """Frames on their way: `flying` has those that are not acknowledged, by their numbers."""

    def __init__(self, server, transfer):
        self.server = server
        self.transfer = transfer
        self.next = 0
        self.flying = {}

    def send(self, kind, payload=b""):
        frame = encode(self.transfer, self.next, kind, payload)
        self.flying[self.next] = frame
        self.next += 1
        self.put(frame)

    def put(self, frame):
        try:
            self.server.send(frame)
        except ConnectionRefusedError:
            pass

    def wait(self, most):
        """Until at most so many frames are not acknowledged."""
        tries = 1
        while len(self.flying) > most:
            if self.something_new():
                tries = 1
            elif tries == TRIES:
                sys.exit(f"client: no answer to frame {min(self.flying)} after {TRIES} tries")
            else:
                tries += 1
                self.put(self.flying[min(self.flying)])

    def something_new(self):
        """Whether an ACK that acknowledges anything new comes in time."""
        end = time.monotonic() + TIMEOUT_S
        while (left := end - time.monotonic()) > 0:
            self.server.settimeout(left)
            try:
                came = self.server.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                continue
            if len(came) == HEADER.size and checksum(came) == 0:
                transfer, number, kind, _ = HEADER.unpack(came)
                if transfer == self.transfer and kind == ACK and number in self.flying:
                    for each in range(min(self.flying), number + 1):
                        del self.flying[each]
                    return True
        return False


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: client HOST PORT FILE WINDOW")
    host, port, path, window = sys.argv[1:]
    with open(path, "rb") as file, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.connect((host, int(port)))
        sender, size = Sender(server, random.getrandbits(32)), 0
        name = os.path.basename(path)
        sender.send(START, name.encode())
        sender.wait(0)
        while piece := file.read(1024):
            size += len(piece)
            sender.send(DATA, piece)
            sender.wait(int(window) - 1)
        sender.send(END)
        sender.wait(0)
    print(f"sent {name}, {size} bytes")


try:
    main()
except OSError as problem:
    sys.exit(f"client: {problem}")
except KeyboardInterrupt:
    sys.exit(130)
