"""What a message of tcp_sum is, and its right answer."""

from __future__ import annotations

import struct

from grader import Exchange


def _summed(*numbers: int) -> Exchange:
    request = struct.pack(f"!I{len(numbers)}i", 4 * len(numbers), *numbers)
    return Exchange(request, struct.pack("!Iq", 8, sum(numbers)))


def exchange(number: int) -> Exchange:
    """Two, three or four numbers, never negative and with a small sum: what else a number may be is for `numbers`."""
    # The sums differ modulo 1000 in the three kinds, and by 1000 or more within each.
    return _summed(*(1000 * number + 258, 70_000, 3, 0x01020304)[: 2 + number % 3])


def numbers() -> tuple[Exchange, ...]:
    """Values that are others with their bytes swapped, with another sign, or in 32 bits; and no value at all."""
    return (
        _summed(1),
        _summed(256),
        _summed(0x8000),
        _summed(0xFFFF),
        _summed(0x01020304),
        _summed(-1),
        _summed(-256, 255),
        _summed(2, -5),
        _summed(0x7FFFFFFF, 1),
        _summed(0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF),
        _summed(-0x80000000, -0x80000000, -1),
        _summed(),
    )


def sized(size_bytes: int) -> Exchange:
    """A message of that many bytes, its length included, or up to three fewer: 4 and a multiple of 4."""
    return _summed(*(index % 251 for index in range((size_bytes - 4) // 4)))


def hostile_lengths() -> tuple[bytes, ...]:
    """Lengths that are not allowed, with some bytes of a message behind them."""
    start = struct.pack("!2i", 1, 2)
    return (
        struct.pack("!I", 1 << 31) + start,
        struct.pack("!I", (1 << 32) - 1) + start,
        struct.pack("!I", 6) + start[:6],
    )
