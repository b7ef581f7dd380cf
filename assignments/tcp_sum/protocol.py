"""What a message of tcp_sum is, and its correct reply; what a client makes of a line, and shows of a sum."""

from __future__ import annotations

import random
import struct

from grader import Entry, Exchange

_LARGEST, _SMALLEST = 0x7FFF_FFFF, -0x8000_0000
#: How many numbers an exchange has; the second of three in a row is shorter than the first.
_COUNTS = (4, 2, 3)
#: A client's sums have ten digits, so that none is part of another, and fit in 31 bits: everything else is for its own
#: checks.
_LEAST_SUM, _SUM_STEPS = 1_000_000_000, 1_000_000
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


def _typed(line: str, *numbers: int) -> Entry:
    """A line of these numbers, written in some way or other, and their sum."""
    summed = _summed(*numbers)
    assert isinstance(summed.reply, bytes)  # exactly these bytes, and none that are recognised
    return Entry(line.encode(), summed.request, summed.reply, str(sum(numbers)).encode())


def _parts(number: int, count: int, rng: random.Random) -> list[int]:
    """So many positive numbers, whose sums are different for every number."""
    total = _LEAST_SUM + 1024 * rng.randrange(_SUM_STEPS) + number % 1024
    cuts = sorted(rng.sample(range(1, total), count - 1))
    return [high - low for low, high in zip((0, *cuts), (*cuts, total), strict=True)]


def typed(number: int, rng: random.Random) -> Entry:
    """Two to four positive numbers, with one space between them."""
    parts = _parts(number, _COUNTS[number % 3], rng)
    return _typed(" ".join(map(str, parts)), *parts)


def typed_awkward(rng: random.Random) -> tuple[Entry, ...]:
    """Other ways to write them: white space at either end and between them, signs, zeros in front, a single number."""
    # Apart from the numbers of `typed`, whose sums differ from these modulo 1024.
    spaced, signed, padded, single = (_parts(1020 + kind, 3, rng) for kind in range(4))
    return (
        _typed("  {}   {}\t{} ".format(*spaced), *spaced),
        _typed("\t+{} {} +{}".format(*signed), *signed),
        _typed("0{} 000{} {}".format(*padded), *padded),
        _typed(str(sum(single)), sum(single)),
    )
