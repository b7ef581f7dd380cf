"""What a ping is and who answers it, and what the client must print about its pings."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from grader import (
    Answer,
    Exchange,
    Reply,
    Turn,
    Visit,
    every_byte,
    form,
    judged,
    not_utf8,
    random_blanks,
    random_letters,
)

#: The server loses every ping whose number is a multiple of this.
LOSES = 5
#: The longest datagram that a server must take.
LARGEST_BYTES = 1400
#: An answer that is waited for comes within a second, and a program needs time to read it.
_MOST_MS = 2000
_DELAYED_MS = 250
#: A program may be kept from running between its two looks at the clock and what they are about, but not for so long.
_LEAST_MS = _DELAYED_MS / 2
#: Longer numbers are none: a program may print one that no number can be made of.
_LINE = re.compile(r"(\d{1,6}): (?:(lost)|(\d{1,9}\.\d{3}) ms)\s*")
_BEGINS_A_LINE = re.compile(r"\s*(\d{1,6})\s*:")
_QUOTED = 60  # characters of such a line
_COUNTS = re.compile(r"(\d{1,6}) sent, (\d{1,6}) received, (\d{1,6})% lost\s*")
_TIMES = re.compile(r"minimum {0} ms, average {0} ms, maximum {0} ms\s*".format(r"(\d{1,9}\.\d{3})"))


# the server


def exchange(number: int, rng: random.Random) -> Exchange:
    """A ping that is answered, with a number of its own."""
    datagram = ping(number // (LOSES - 1) * LOSES + number % (LOSES - 1) + 1, rng) + b"0" * (0, 4, 1)[number % 3]
    return Exchange(datagram, datagram)


def ping(number: int, rng: random.Random) -> bytes:
    """A ping with any time."""
    return b"PING %d %d.%06d" % (number, rng.randint(10**9, 2 * 10**9), rng.randrange(10**6))


def sized(size_bytes: int, rng: random.Random) -> Exchange:
    """A ping whose time has many digits."""
    head = b"PING %d " % (LOSES * rng.randint(1, 99) + 1)
    datagram = head + bytes(rng.choices(b"0123456789", k=size_bytes - len(head)))
    return Exchange(datagram, datagram)


def oversized(_: random.Random) -> tuple[bytes, ...]:
    """None: longer datagrams may get an answer or not."""
    return ()


def garbage(rng: random.Random) -> tuple[bytes, ...]:
    """What is no ping."""
    return (
        b"",
        b"PING",
        b"PING one 1700000000.5",
        b"ping 1 1700000000.5",
        b"hello, " + random_letters(rng, 8),
        b"PING 1" + not_utf8(rng),
        every_byte(rng),
        b"\0" * rng.randint(2, 64),
        random_blanks(rng),
    )


# the client


def visit(number: int, rng: random.Random) -> Visit:  # noqa: ARG001 — what a client sends is its own
    """A few pings that are all answered, or ten."""
    return pings(*[Answer.WHOLE] * (3, 10, 4)[number % 3])


def pings(*hows: Answer, about: str = "each ping") -> Visit:
    """As many pings, answered in these ways; what is printed about each is judged, or about all of them together."""
    received = any(how in _RECEIVED for how in hows)
    return Visit(
        turns=tuple(Turn(request(number), lambda seen: seen["line"], how) for number, how in enumerate(hows, 1)),
        fill={"count": f"{len(hows)}"},
        shown=lines_for(hows) if about == "each ping" else summary(),
        status=0 if received else None,
    )


def request(number: int) -> Reply:
    """The client's ping of this number; Java prints a number of seconds as 1.764489600125E9, which is one as well."""
    return form(b"PING %d {time:[0-9]+\\.[0-9]+E?[0-9]*}" % number, ending=b"")


#: The ways to answer after which a client has got its answer in time.
_RECEIVED = frozenset({Answer.WHOLE, Answer.TWICE, Answer.DELAYED})


def lines_for(hows: tuple[Answer, ...]) -> Reply:
    """The output has a line for each ping, which says what became of it."""

    def judge(output: bytes) -> str | None:
        lines = [*_lines_of(output)]
        numbers = [number for number, _ in lines]
        if numbers != [*range(1, len(hows) + 1)]:
            if almost := _almost_a_line(output, {*range(1, len(hows) + 1)} - {*numbers}):
                return almost
            there = ", ".join(str(number) for number, _ in lines) or "no ping"
            return f"there are lines about {there}, and not one for each of {len(hows)} pings, in their order"
        return next(filter(None, map(_wrong_about, lines, hows)), None)

    right = b"".join(
        b"%d: %b\n" % (number, b"150.000 ms" if how in _RECEIVED else b"lost")
        for number, how in enumerate(hows, start=1)
    )
    words = f"a line for each of {len(hows)} pings, such as '1: 0.214 ms' or '2: lost'"
    return judged(judge, words, examples=(right,))


def _almost_a_line(output: bytes, missing: set[int]) -> str | None:
    """What is wrong with the first line that begins as the one about a missing ping must."""
    for line in _text(output):
        found = _BEGINS_A_LINE.match(line)
        if found and int(found[1]) in missing:
            number = int(found[1])
            return f"'{line[:_QUOTED].strip()}' is no line such as '{number}: 0.214 ms' or '{number}: lost'"
    return None


def _wrong_about(line: tuple[int, float | None], how: Answer) -> str | None:
    number, time_ms = line
    if how not in _RECEIVED:
        return None if time_ms is None else f"ping {number} has a time, though no answer to it came in time"
    if time_ms is None:
        return f"ping {number} was answered in time, but it says that it was lost"
    if how is Answer.DELAYED and time_ms < _LEAST_MS:
        return f"ping {number} was answered after {_DELAYED_MS} ms, but it says {time_ms} ms"
    return f"{time_ms} ms is not the time of ping {number}" if time_ms > _MOST_MS else None


def summary() -> Reply:
    """The output ends with what follows from its own lines."""

    def judge(output: bytes) -> str | None:
        lines = [*_lines_of(output)]
        times = [time_ms for _, time_ms in lines if time_ms is not None]
        return _wrong_counts(output, len(lines), len(times)) or _wrong_times(output, times)

    times = b"minimum 0.200 ms, average 0.200 ms, maximum 0.200 ms\n"
    right = b"1: 0.200 ms\n2: lost\n2 sent, 1 received, 50% lost\n" + times
    return judged(judge, "a summary of the lines before it", examples=(right,))


def _wrong_counts(output: bytes, sent: int, received: int) -> str | None:
    found = _last_line(output, _COUNTS)
    if found is None:
        return "there is no line such as '10 sent, 8 received, 20% lost'"
    if (int(found[1]), int(found[2])) != (sent, received):
        return f"it says '{found[0].strip()}', but its lines are about {sent} pings with {received} answers"
    lost = 100 * (sent - received) / max(sent, 1)
    return None if abs(int(found[3]) - lost) <= 0.5 else f"{found[3]}% lost: it is {lost:.1f}%"


def _wrong_times(output: bytes, times: list[float]) -> str | None:
    found = _last_line(output, _TIMES)
    if not times:
        return "there are no times, but it prints a minimum" if found else None
    if found is None:
        return "there is no line such as 'minimum 0.187 ms, average 0.197 ms, maximum 0.214 ms'"
    wanted = {"minimum": min(times), "average": sum(times) / len(times), "maximum": max(times)}
    for (name, right), said in zip(wanted.items(), found.groups(), strict=True):
        if abs(float(said) - right) > 0.0021:  # each time was rounded before it was printed
            return f"the {name} of its times is {right:.3f} ms, but it says {said} ms"
    return None


def _last_line(output: bytes, wanted: re.Pattern[str]) -> re.Match[str] | None:
    found = [match for line in _text(output) if (match := wanted.fullmatch(line))]
    return found[-1] if found else None


def _lines_of(output: bytes) -> Iterator[tuple[int, float | None]]:
    """(number, milliseconds; None: lost) for each line about a ping."""
    for line in _text(output):
        if found := _LINE.fullmatch(line):
            yield int(found[1]), float(found[3]) if found[3] else None


def _text(output: bytes) -> list[str]:
    return output.decode("utf-8", "replace").splitlines()
