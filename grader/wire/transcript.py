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


class Transcript:
    """The events of one check in order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._events: list[Event] = []

    def add(self, kind: EventKind, who: str, text: str = "", data: bytes = b"", pieces: tuple[int, ...] = ()) -> None:
        """Note an event that happens now; what comes in several parts, with nothing in between, is one event."""
        if kind in _COMING and self._events and self._joins(self._events[-1], kind, who, text):
            self._events[-1] = _longer(self._events[-1], data)
            return
        shown, omitted, head = cut(data)
        self._events.append(
            Event(
                at_ms=round((self._clock() - self._began) * 1000, 3),
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
        return tuple(self._events)

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


def cut(data: bytes, kept: int = KEPT_BYTES) -> tuple[bytes, int, int]:
    """(what is kept, how many bytes were left out, how many of the kept stand before the gap)."""
    if len(data) <= kept:
        return data, 0, 0
    head = kept // 2
    return data[:head] + data[len(data) - (kept - head) :], len(data) - kept, head


def shown(data: bytes) -> str:
    """Bytes as a Python literal without its prefix: printable ASCII as itself, the rest escaped."""
    return repr(data)[1:]


def first_difference(expected: bytes, received: bytes) -> int:
    """The offset of the first byte in which two byte strings differ, the shorter one's end included."""
    for offset, (left, right) in enumerate(zip(expected, received, strict=False)):
        if left != right:
            return offset
    return min(len(expected), len(received))


def side_by_side(expected: bytes, received: bytes, width: int = 60) -> list[str]:
    """Three lines: expected, received, and a caret under the first difference.

    Long ones are shown around the difference; an ellipsis stands where something is left out.
    """
    at = first_difference(expected, received)
    start = max(0, at - width // 2)
    lines = []
    for label, data in (("expected", expected), ("received", received)):
        text, caret = _window(data, start, at, width)
        lines.append(f"{label}: {text}")
    # The prefix before the difference is the same in both, so the caret's column is too.
    lines.append(" " * (len("expected: ") + caret) + "^")
    return lines


def _window(data: bytes, start: int, at: int, width: int) -> tuple[str, int]:
    before, after = _escaped(data[start:at]), _escaped(data[at : start + width])
    opening = "…'" if start else "'"
    closing = "'…" if start + width < len(data) else "'"
    return opening + before + after + closing, len(opening) + len(before)


def _escaped(data: bytes) -> str:
    return "".join(_ESCAPES[byte] for byte in data)


_ESCAPES = tuple(
    {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x5C: "\\\\", 0x27: "\\'"}.get(byte)
    or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
    for byte in range(256)
)
