"""What happened in a check, event by event, and how its bytes are shown.  Pure: the clock is passed in.

Evidence is kept whole as far as that is affordable: of an event up to `EVENT_BYTES`, of a check up to
`TRANSCRIPT_BYTES`.  Anything longer keeps its beginning and its end and says how much was left out.  What does not fit
is not even kept until the end of the check: a program may send for as long as that lasts.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grader.limits import EVENT_BYTES, EVENT_LEAST_BYTES, EVENT_SHOWN_BYTES, TRANSCRIPT_BYTES, TRANSCRIPT_FULL
from grader.model import Compared, Event, EventKind

#: What arrives in arbitrary parts, whose boundaries mean nothing.
_COMING = frozenset({EventKind.RECEIVED, EventKind.OUTPUT})
#: What is no move of ours, nor of the program's towards us.
_NO_MOVES = frozenset({EventKind.KERNEL, EventKind.OUTPUT})


class Sending:
    """A message on its way: the transcript has as much of it as has been sent, since a send may fail in the middle.

    `data`: all of it.  `now_ms`: the time since the check began.
    """

    def __init__(self, now_ms: Callable[[], float], who: str, text: str, data: bytes) -> None:
        self._event = Event(at_ms=now_ms(), kind=EventKind.SENT, who=who, text=text)
        self.data = memoryview(data)
        self._now_ms = now_ms
        self._pieces: list[int] = []
        self._times_ms: list[float] = []

    @property
    def kept_bytes(self) -> int:
        return sum(self._pieces)

    def went(self, size_bytes: int, *, apart: bool = False) -> None:
        """So many more bytes have been sent: `apart` as the beginning of a piece, else as part of the last one."""
        if apart or not self._pieces:
            self._pieces.append(0)
            self._times_ms.append(self._now_ms())
        self._pieces[-1] += size_bytes

    def event(self, most_bytes: int) -> Event | None:
        """What has been sent, of which so much is kept; None: nothing has."""
        size = sum(self._pieces)
        if not size:
            return None
        apart = len(self._pieces) > 1
        pieces, times_ms = (tuple(self._pieces), tuple(self._times_ms)) if apart else ((), ())
        event = msgspec.structs.replace(self._event, pieces=pieces, times_ms=times_ms)
        return with_data(event, self.data[:size], most_bytes)


class _Coming:
    """What arrives in several parts, with nothing in between: its beginning, and if it is too long, also its end."""

    def __init__(self, event: Event, most_bytes: int) -> None:
        self.start = event
        self._most_bytes = most_bytes
        self._data = bytearray()
        self._size = 0

    @property
    def kept_bytes(self) -> int:
        return min(len(self._data), self._most_bytes)

    def more(self, data: bytes) -> None:
        self._size += len(data)
        self._data += data
        if len(self._data) > 2 * self._most_bytes:  # rarely, so that many small parts cost no more than a large one
            del self._data[self._most_bytes // 2 : -self._most_bytes]

    def event(self, most_bytes: int) -> Event:
        kept, omitted, head = cut(self._data, min(most_bytes, self._most_bytes))
        return msgspec.structs.replace(
            self.start,
            data=kept,
            size_bytes=self._size,
            omitted_bytes=omitted + self._size - len(self._data),
            head_bytes=head,
        )


class Transcript:
    """The events of one check in order.  `event_bytes`, `whole_bytes`: how much of one, and of all, is kept."""

    def __init__(
        self, clock: Callable[[], float], *, event_bytes: int = EVENT_BYTES, whole_bytes: int = TRANSCRIPT_BYTES
    ) -> None:
        self._clock = clock
        self._began = clock()
        self._event_bytes = event_bytes
        self._whole_bytes = whole_bytes
        self._events: list[Event | Sending | _Coming] = []
        #: For each of them, how many bytes those before it have.
        self._before: list[int] = []
        #: How many things were done to the program, or have come from it, but for what it printed: those forgotten
        #: included, and what we only looked at left out.
        self.moves = 0

    def sending(self, who: str, data: bytes, text: str = "") -> Sending:
        """Note that a message is about to be sent; the sender tells how much of it has gone."""
        self.moves += 1
        self._append(message := Sending(self._now_ms, who, text, data))
        return message

    def _append(self, entry: Event | Sending | _Coming) -> None:
        self._before.append(self._kept_bytes())
        self._events.append(entry)

    def _kept_bytes(self) -> int:
        """How much there is so far; what is still being sent may grow."""
        return self._before[-1] + min(_kept_of(self._events[-1]), self._event_bytes) if self._events else 0

    def _most_bytes(self, before: int) -> int:
        """How much is kept of an event when those before it have so many bytes."""
        if before >= TRANSCRIPT_FULL * self._whole_bytes:
            return min(self._event_bytes, EVENT_LEAST_BYTES)
        return min(self._event_bytes, max(self._whole_bytes - before, EVENT_SHOWN_BYTES))

    def _now_ms(self) -> float:
        return round((self._clock() - self._began) * 1000, 3)

    def add(
        self, kind: EventKind, who: str, text: str = "", data: bytes = b"", ends: tuple[tuple[str, int], ...] = ()
    ) -> None:
        """Note an event that happens now; what arrives in several parts, with nothing in between, is one event."""
        self.moves += kind not in _NO_MOVES
        last = self._events[-1] if self._events else None
        if isinstance(last, _Coming) and self._joins(last.start, kind, who, text):
            last.more(data)
            return
        event = Event(at_ms=self._now_ms(), kind=kind, who=who, text=text, ends=ends)
        most_bytes = self._most_bytes(self._kept_bytes())
        if kind in _COMING:
            self._append(coming := _Coming(event, most_bytes))
            coming.more(data)
        else:
            self._append(with_data(event, data, most_bytes))

    @staticmethod
    def _joins(last: Event, kind: EventKind, who: str, text: str) -> bool:
        # A datagram is an event of its own: it has words.
        in_parts = kind is EventKind.OUTPUT or not text
        return in_parts and (last.kind, last.who, last.text) == (kind, who, text)

    def mark(self) -> int:
        """The current place, for `rewind`."""
        return len(self._events)

    def rewind(self, mark: int) -> None:
        """Forget what came after the mark: repetitions of something that went well."""
        del self._events[mark:], self._before[mark:]

    @property
    def events(self) -> tuple[Event, ...]:
        """All so far; if they are too long together, the last ones are cut most."""
        told: list[Event] = []
        before = 0
        for entry in self._events:
            most = self._most_bytes(before)
            event = shortened(entry, most) if isinstance(entry, Event) else entry.event(most)
            if event is not None:
                told.append(event)
                before += len(event.data)
        return tuple(told)

    def with_verdict(self, at_s: float, words: str) -> tuple[Event, ...]:
        """All of them, and among them the moment when the verdict was known, by the same clock."""
        at_ms = round((at_s - self._began) * 1000, 3)
        verdict = Event(at_ms=at_ms, kind=EventKind.VERDICT, who="grader", text=words)
        before = [event for event in self.events if event.at_ms <= at_ms]
        return (*before, verdict, *self.events[len(before) :])

    def elapsed_s(self) -> float:
        """Seconds since the check began."""
        return self._clock() - self._began


def with_data(event: Event, data: bytes | memoryview, most_bytes: int) -> Event:
    """The event with its bytes, of which so many are kept."""
    kept, omitted, head = cut(data, most_bytes)
    return msgspec.structs.replace(event, data=kept, size_bytes=len(data), omitted_bytes=omitted, head_bytes=head)


def shortened(event: Event, most_bytes: int = EVENT_SHOWN_BYTES) -> Event:
    """The same event with so many of its bytes."""
    if len(event.data) <= most_bytes:
        return event
    # The gap that there is lies in the middle, and so does the larger one.
    kept, omitted, head = cut(event.data, most_bytes)
    return msgspec.structs.replace(event, data=kept, omitted_bytes=event.omitted_bytes + omitted, head_bytes=head)


def cut(data: bytes | bytearray | memoryview, kept: int) -> tuple[bytes, int, int]:
    """(what is kept, how many bytes were left out, how many of the kept come before the gap)."""
    if len(data) <= kept:
        return bytes(data), 0, 0
    head = kept // 2
    return bytes(data[:head]) + bytes(data[len(data) - (kept - head) :]), len(data) - kept, head


def shown(data: bytes) -> str:
    """Bytes as a Python literal without its prefix: printable ASCII as itself, the rest escaped."""
    return repr(data)[1:]


def first_difference(expected: bytes, received: bytes) -> int:
    """The offset of the first byte in which two byte strings differ, the shorter one's end included."""
    for offset, (left, right) in enumerate(zip(expected, received, strict=False)):
        if left != right:
            return offset
    return min(len(expected), len(received))


#: Bytes on either side of the first difference that a report can show, as text and in hexadecimal.
AROUND_BYTES = 48


def compared(expected: bytes, received: bytes) -> Compared:
    """Both around the first byte that differs."""
    at = first_difference(expected, received)
    start = max(0, at - AROUND_BYTES) // 16 * 16
    end = at + AROUND_BYTES
    return Compared(expected=expected[start:end], received=received[start:end], difference=at - start, at_bytes=start)


#: What fits a line of 80 columns together with its label, its quotes and the margin of a report.
WINDOW_COLUMNS = 60


def side_by_side(expected: bytes, received: bytes, columns: int = WINDOW_COLUMNS) -> list[str]:
    """Three lines: expected, received, and a caret under the first difference.

    Long ones are shown around the difference, in so many columns; an ellipsis marks what is left out.
    """
    at = first_difference(expected, received)
    # Columns that are not needed after the difference are used before it.
    behind = max(len(_fitting(data[at : at + columns], columns // 2)[1]) for data in (expected, received))
    shared, before = _fitting(expected[max(0, at - columns) : at], columns - behind, from_end=True)
    opening = "'" if shared == at else "…'"
    lines = []
    for label, data in (("expected", expected), ("received", received)):
        size, after = _fitting(data[at : at + columns], columns - len(before))
        closing = "'" if at + size == len(data) else "'…"
        lines.append(f"{label}: {opening}{before}{after}{closing}")
    # The beginning is the same in both, so the caret's column is too.
    return [*lines, " " * len(f"expected: {opening}{before}") + "^"]


def pointed(label: str, data: bytes, at: int, columns: int = WINDOW_COLUMNS) -> tuple[str, str]:
    """Two lines: bytes behind a label, and a caret under one of them (or behind the last); cut as in `side_by_side`."""
    behind = len(_fitting(data[at : at + columns], columns // 2)[1])
    shared, before = _fitting(data[max(0, at - columns) : at], columns - behind, from_end=True)
    size, after = _fitting(data[at : at + columns], columns - len(before))
    opening = "'" if shared == at else "…'"
    closing = "'" if at + size == len(data) else "'…"
    head = f"{label}: {opening}{before}"
    return f"{head}{after}{closing}", " " * len(head) + "^"


def _fitting(data: bytes, columns: int, *, from_end: bool = False) -> tuple[int, str]:
    """(how many bytes fit so many columns when they are shown, from the beginning or from the end; and these)."""
    words: list[str] = []
    room = columns
    for byte in reversed(data) if from_end else data:
        room -= len(_ESCAPES[byte])
        if room < 0:
            break
        words.append(_ESCAPES[byte])
    return len(words), "".join(reversed(words) if from_end else words)


_ESCAPES = tuple(
    {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x5C: "\\\\", 0x27: "\\'"}.get(byte)
    or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
    for byte in range(256)
)


def _kept_of(entry: Event | Sending | _Coming) -> int:
    return len(entry.data) if isinstance(entry, Event) else entry.kept_bytes
