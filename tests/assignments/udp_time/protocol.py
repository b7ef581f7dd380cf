"""The reply holds the time."""

import random
import time

from grader import Exchange, every_byte, judged, not_utf8, numbered_line, random_letters

#: Behind ten digits and a space.
LARGEST_BYTES = 65_507 - 11


def _stamped(data: bytes) -> Exchange:
    def judge(reply: bytes) -> str | None:
        seconds, _, rest = reply.partition(b" ")
        if not seconds.isdigit() or abs(int(seconds[:12]) - time.time()) > 60:
            return "it does not begin with the seconds since 1970, now"
        return None if rest == data else "behind the time are different bytes than those that were sent"

    return Exchange(data, judged(judge, f"the time, a space, and the {len(data)} bytes that were sent"))


def exchange(number: int, rng: random.Random) -> Exchange:
    """A line."""
    return _stamped(numbered_line(number, rng).encode())


def awkward(rng: random.Random) -> tuple[Exchange, ...]:
    """Bytes that are not text."""
    return (_stamped(every_byte(rng)), _stamped(b"\x00\x01" + not_utf8(rng)), _stamped(b"  "))


def empty(_: random.Random) -> Exchange:
    """An empty datagram, which has a reply too."""
    return _stamped(b"")


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """Letters, of that size."""
    return _stamped(random_letters(rng, size_bytes))


def oversized(rng: random.Random) -> tuple[bytes, ...]:
    """There is no room for the time."""
    return (random_letters(rng, LARGEST_BYTES + 1),)


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """Whatever it is, it has a reply."""
    return (every_byte(rng), not_utf8(rng))
