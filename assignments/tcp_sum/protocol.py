"""What a message of tcp_sum is, and its correct reply."""

from __future__ import annotations

import random
import struct

from grader import Exchange

_LARGEST, _SMALLEST = 0x7FFF_FFFF, -0x8000_0000
#: How many numbers an exchange has; the second of three in a row is shorter than the first.
_COUNTS = (4, 2, 3)
#: The values of a byte below 32, for each value.
_TO_SMALL = bytes(value % 32 for value in range(256))


def _summed(*numbers: int) -> Exchange:
    request = struct.pack(f"!I{len(numbers)}i", 4 * len(numbers), *numbers)
    return Exchange(request, struct.pack("!Iq", 8, sum(numbers)))


def exchange(number: int, rng: random.Random) -> Exchange:
    """Two to four numbers, never negative and with a sum below 2^31: everything else is for `numbers`."""
    *free, high = (rng.getrandbits(29) for _ in range(_COUNTS[number % 3]))
    high &= ~0x3FF
    # So sums whose numbers differ modulo 1024 do, too.
    return _summed(*free, high + (number - sum(free)) % 1024)


def numbers(rng: random.Random) -> tuple[Exchange, ...]:
    """Values that change with their bytes swapped, with another sign, or in 32 bits; and no value at all."""
    return (
        _summed(rng.randint(1, 0x7F)),
        _summed(rng.randint(0x8000, 0xFFFF)),
        _summed(rng.randint(0x1_0000, 0x7F_FFFF) << 8),
        _summed(-rng.randint(1, 0x7F)),
        _summed(-rng.randint(0x100, 0x7FFF), rng.randint(1, 0xFF)),
        _summed(_LARGEST, rng.randint(1, 0xFFFF)),
        _summed(*(_LARGEST - rng.randint(0, 0xFFFF) for _ in range(3))),
        _summed(*(_SMALLEST + rng.randint(0, 0xFFFF) for _ in range(3))),
        _summed(_SMALLEST, _SMALLEST, -1),
        _summed(),
    )


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A message of that many bytes, its length included, or up to three fewer: 4 and a multiple of 4.

    Its numbers are below 2^13, so that the sum of as many as are allowed is one of `exchange`'s kind.
    """
    count = (size_bytes - 4) // 4
    high, low = rng.randbytes(count).translate(_TO_SMALL), rng.randbytes(count)
    body = bytearray(4 * count)
    body[2::4], body[3::4] = high, low
    return Exchange(struct.pack("!I", len(body)) + body, struct.pack("!Iq", 8, 256 * sum(high) + sum(low)))


def longest(rng: random.Random) -> Exchange:
    """Numbers of 1 MiB, their length not counted."""
    return sized(4 + (1 << 20), rng)


def hostile_lengths(rng: random.Random) -> tuple[bytes, ...]:
    """Lengths that are not allowed, followed by some bytes of a message."""
    start = rng.randbytes(8)
    huge = rng.randrange(1 << 31, (1 << 32) - 4, 4)  # negative, where it is kept in an int
    odd = 4 * rng.randint(1, 4) + rng.randint(1, 3)
    return (
        struct.pack("!I", huge) + start,
        struct.pack("!I", (1 << 32) - 1) + start,
        struct.pack("!I", odd) + rng.randbytes(odd),
    )
