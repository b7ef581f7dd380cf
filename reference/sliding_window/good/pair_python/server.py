import os
import re
import signal
import socket
import struct
import sys

HEADER = struct.Struct("!IIHH")
START, DATA, END, ACK = 1, 2, 3, 4
AHEAD = 64
NAME = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(transfer, number, kind):
    bare = HEADER.pack(transfer, number, kind, 0)
    return HEADER.pack(transfer, number, kind, checksum(bare))


class Transfer:
    def __init__(self, path):
        self.path = path
        self.content = bytearray()
        self.next = 1
        self.early = {}
        self.complete = False

    def take(self, number, kind, payload):
        """Everything up to this number has come."""
        if self.next <= number <= self.next + AHEAD:
            self.early[number] = kind, payload
        while not self.complete and self.next in self.early:
            kind, payload = self.early.pop(self.next)
            if kind == DATA:
                self.content += payload
            else:
                self.store()
            self.next += 1
        return self.next - 1

    def store(self):
        with open(self.path + ".part", "wb") as file:
            file.write(self.content)
        os.replace(self.path + ".part", self.path)
        self.complete = True
        self.content, self.early = None, {}


class Receiver:
    def __init__(self, folder):
        self.folder = folder
        self.transfers = {}

    def answer(self, datagram, sender):
        """The ACK, or None."""
        if len(datagram) < HEADER.size:
            return None
        transfer, number, kind, given = HEADER.unpack_from(datagram)
        payload = datagram[HEADER.size :]
        if checksum(HEADER.pack(transfer, number, kind, 0) + payload) != given:
            return None
        known = self.transfers.get((sender, transfer))
        if kind == START and number == 0 and not known and NAME.fullmatch(payload):
            known = Transfer(os.path.join(self.folder, payload.decode()))
            self.transfers[sender, transfer] = known
        if known and kind in (START, DATA, END):
            return frame(transfer, known.take(number, kind, payload), ACK)
        return None


def serve(server, receiver):
    while True:
        try:
            datagram, sender = server.recvfrom(65536)
            reply = receiver.answer(datagram, sender)
            if reply:
                server.sendto(reply, sender)
        except OSError as error:
            print(error, file=sys.stderr)


def main():
    try:
        port = int(sys.argv[1])
        folder = sys.argv[2]
        if not 0 < port < 65536:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit("usage: server PORT FOLDER")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("", port))
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            sys.exit(f"server: {error}")
        serve(server, Receiver(folder))


signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    main()
except KeyboardInterrupt:
    pass
