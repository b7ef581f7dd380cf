"""What happened in a check, event by event, and how its bytes are shown.  Pure: the clock is handed in.

Evidence is kept whole up to `KEPT_BYTES` an event; longer data keeps its head and its tail and says what was left out.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grader.model import Event, EventKind

#: A message of any sensible length stands whole in a report; a mebibyte does not.
KEPT_BYTES = 4096
#: What comes as it likes: in parts whose bounds say nothing.
_COMING = frozenset({EventKind.RECEIVED, EventKind.OUTPUT})


class Sending:
    """A message on its way: it stands in the transcript as far as it has gone, since a send may fail in its middle.

    `data`: all of it.
    """

    def __init__(self, at_ms: float, who: str, text: str, data: bytes) -> None:
        self._event = Event(at_ms=at_ms, kind=EventKind.SENT, who=who, text=text)
        self.data = memoryview(data)
        self._pieces: list[int] = []

    def went(self, size_bytes: int, *, apart: bool = False) -> None:
        """So many more bytes have gone: `apart` as the beginning of a piece, else as a part of the last one."""
        if apart or not self._pieces:
            self._pieces.append(0)
        self._pieces[-1] += size_bytes

    @property
    def event(self) -> Event | None:
        """What has gone; None: nothing has."""
        size = sum(self._pieces)
        if not size:
            return None
        kept, omitted, head = cut(self.data[:size])
        return msgspec.structs.replace(
            self._event,
            data=kept,
            size_bytes=size,
            omitted_bytes=omitted,
            head_bytes=head,
            pieces=tuple(self._pieces) if len(self._pieces) > 1 else (),
        )


class Transcript:
    """The events of one check in order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._events: list[Event | Sending] = []

    def sending(self, who: str, data: bytes, text: str = "") -> Sending:
        """Note that a message is about to be sent; the sender tells how much of it has gone."""
        self._events.append(message := Sending(self._now_ms(), who, text, data))
        return message

    def _now_ms(self) -> float:
        return round((self._clock() - self._began) * 1000, 3)

    def add(self, kind: EventKind, who: str, text: str = "", data: bytes = b"", pieces: tuple[int, ...] = ()) -> None:
        """Note an event that happens now; what comes in several parts, with nothing in between, is one event."""
        last = self._events[-1] if self._events else None
        if kind in _COMING and isinstance(last, Event) and self._joins(last, kind, who, text):
            self._events[-1] = _longer(last, data)
            return
        shown, omitted, head = cut(data)
        self._events.append(
            Event(
                at_ms=self._now_ms(),
                kind=kind,
                who=who,
                text=text,
                data=shown,
                size_bytes=len(data),
                omitted_bytes=omitted,
                head_bytes=head,
                pieces=pieces,
            )
        )

    @staticmethod
    def _joins(last: Event, kind: EventKind, who: str, text: str) -> bool:
        # A datagram is an event of its own: it has words.
        in_parts = kind is EventKind.OUTPUT or not text
        return in_parts and (last.kind, last.who, last.text) == (kind, who, text)

    def mark(self) -> int:
        """Where it stands, for `rewind`."""
        return len(self._events)

    def rewind(self, mark: int) -> None:
        """Forget what came after the mark: repetitions of something that went well."""
        del self._events[mark:]

    @property
    def events(self) -> tuple[Event, ...]:
        """All so far."""
        told = (entry.event if isinstance(entry, Sending) else entry for entry in self._events)
        return tuple(event for event in told if event is not None)

    def elapsed_s(self) -> float:
        """Seconds since the check began."""
        return self._clock() - self._began


def _longer(event: Event, more: bytes) -> Event:
    size = event.size_bytes + len(more)
    head, tail = event.data[: event.head_bytes or None], event.data[event.head_bytes :] if event.head_bytes else b""
    kept, _, at = cut(head + tail + more)
    if event.head_bytes:  # its gap grows
        at = event.head_bytes
        kept = head + (tail + more)[-(KEPT_BYTES - at) :]
    return msgspec.structs.replace(
        event, data=kept, size_bytes=size, omitted_bytes=size - len(kept), head_bytes=at if size > len(kept) else 0
    )


def cut(data: bytes | memoryview, kept: int = KEPT_BYTES) -> tuple[bytes, int, int]:
    """(what is kept, how many bytes were left out, how many of the kept stand before the gap)."""
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


#: What fits a line of 80 columns together with its label, its quotes and the margin of a report.
WINDOW_COLUMNS = 60


def side_by_side(expected: bytes, received: bytes, columns: int = WINDOW_COLUMNS) -> list[str]:
    """Three lines: expected, received, and a caret under the first difference.

    Long ones are shown around the difference, in so many columns; an ellipsis stands where something is left out.
    """
    at = first_difference(expected, received)
    # What is not needed behind the difference is shown before it.
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
