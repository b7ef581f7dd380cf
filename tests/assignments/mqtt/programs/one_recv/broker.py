"""A small MQTT broker, one thread for each client."""

import socket
import sys
import threading

lock = threading.Lock()
subscribers = {}


class Left(Exception):
    """The client has left."""


def receive(sock, count):
    data = sock.recv(count)
    if not data and count:
        raise Left
    return data


def receive_packet(sock):
    first, length, shift = receive(sock, 1)[0], 0, 0
    while True:
        byte = receive(sock, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, receive(sock, length)


def packet(first, rest):
    left, length = len(rest), bytearray()
    while True:
        left, low = divmod(left, 128)
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes((first, *length)) + rest


def string(data, at):
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    return data[at + 2 : end], end


def publish(topic, message):
    data = packet(0x30, len(topic).to_bytes(2, "big") + topic + message)
    with lock:
        for sock in subscribers.get(topic, ()):
            try:
                sock.sendall(data)
            except OSError:
                pass


def serve(sock):
    connected = False
    try:
        while True:
            first, rest = receive_packet(sock)
            kind = first >> 4
            if (kind == 1) == connected:
                return
            if kind == 1:
                connected = True
                sock.sendall(b"\x20\x02\0\0")
            elif kind == 3:
                topic, end = string(rest, 0)
                if first & 2:
                    sock.sendall(b"\x40\x02" + rest[end : end + 2])
                    end += 2
                publish(topic, rest[end:])
            elif kind == 8:
                topic, _ = string(rest, 2)
                with lock:
                    subscribers.setdefault(topic, []).append(sock)
                    sock.sendall(b"\x90\x03" + rest[:2] + b"\0")
            elif kind == 12:
                sock.sendall(b"\xd0\0")
            else:
                return
    except (OSError, Left):
        pass
    finally:
        with lock:
            for socks in subscribers.values():
                while sock in socks:
                    socks.remove(sock)
        sock.close()


listener = socket.create_server(("", int(sys.argv[1])), backlog=128)
try:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
except KeyboardInterrupt:
    pass
