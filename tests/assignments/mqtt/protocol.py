"""MQTT 3.1.1: each packet is a byte, the length of the rest in up to four bytes, and the rest."""

from __future__ import annotations

import random
from collections.abc import Generator

from grader import Exchange, Values, random_letters, random_words


def packet(first: int, rest: bytes) -> bytes:
    """With its length, seven bits in each byte (section 2.2.3)."""
    left, length = len(rest), bytearray()
    while True:
        left, low = divmod(left, 128)
        length.append(low | 0x80 * (left > 0))
        if not left:
            return bytes((first, *length)) + rest


def text(data: bytes) -> bytes:
    """A string: its length in two bytes, and its bytes."""
    return len(data).to_bytes(2) + data


def opening(number: int, rng: random.Random) -> Exchange:
    """CONNECT with an id of its own, a clean session and no timeout; CONNACK."""
    request = text(b"MQTT") + b"\4\2\0\0" + text(b"client-%d" % number + random_letters(rng, 4))
    return Exchange(packet(0x10, request), b"\x20\x02\0\0")


def publish(topic: bytes, message: bytes, number: int) -> Exchange:
    """With QoS 1, and PUBACK."""
    number = number % 65535 + 1
    return Exchange(packet(0x32, text(topic) + number.to_bytes(2) + message), b"\x40\x02" + number.to_bytes(2))


def subscribe(topic: bytes, number: int) -> Exchange:
    """To one topic, with QoS 0; SUBACK."""
    return Exchange(packet(0x82, number.to_bytes(2) + text(topic) + b"\0"), b"\x90\x03" + number.to_bytes(2) + b"\0")


def exchange(number: int, rng: random.Random) -> Exchange:
    """A message that nobody has subscribed to."""
    return publish(b"nobody/%d" % number, random_words(rng, 1 + number % 4).encode(), number)


def dialogue(number: int, rng: random.Random) -> Generator[Exchange, Values, None]:
    """A ping between other packets."""
    yield exchange(number, rng)
    yield Exchange(b"\xc0\0", b"\xd0\0")
    yield subscribe(b"quiet/%d" % number, number + 1)


def pipelined(count: int, rng: random.Random) -> tuple[Exchange, ...]:
    """A client need not wait for PUBACK."""
    return tuple(exchange(number, rng) for number in range(count))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A long message."""
    around = len(publish(b"long", bytes(size_bytes), 1).request) - size_bytes
    return publish(b"long", random_letters(rng, size_bytes - around), 1)
