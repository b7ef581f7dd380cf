"""Bytes one above the other in hexadecimal, as much as a page can show, where text alone would hide the difference."""

from __future__ import annotations

from typing import Final, NamedTuple

from grader.model import Compared

#: Bytes that everybody reads as text: printable ASCII and the ends of lines.  All else matters as a number.
_PLAIN: Final = frozenset({*range(0x20, 0x7F), 0x09, 0x0A, 0x0D})
#: So many bytes fit a line on a telephone, with their offset.
_PER_LINE: Final = 8
_SHOWN_LINES: Final = 8


class Cell(NamedTuple):
    """One byte in hexadecimal, and whether it is the first that differs."""

    hex: str
    differs: bool


class Line(NamedTuple):
    """Bytes from an offset on, and the same as text."""

    offset: str
    cells: tuple[Cell, ...]
    text: str


class Dump(NamedTuple):
    """What was expected and what was received, line by line."""

    expected: tuple[Line, ...]
    received: tuple[Line, ...]


def dump(compared: Compared | None) -> Dump | None:
    """Both sides, around the first difference; None where nothing came, or all of it can be read as text."""
    if compared is None or not compared.received or _PLAIN.issuperset(compared.expected + compared.received):
        return None
    first = max(0, compared.difference // _PER_LINE - _SHOWN_LINES // 2) * _PER_LINE
    return Dump(*(_lines(data, compared, first) for data in (compared.expected, compared.received)))


def _lines(data: bytes, compared: Compared, first: int) -> tuple[Line, ...]:
    starts = range(first, min(len(data), first + _SHOWN_LINES * _PER_LINE), _PER_LINE)
    return tuple(
        Line(
            offset=f"{compared.at_bytes + start}",
            cells=tuple(
                Cell(f"{byte:02x}", start + number == compared.difference)
                for number, byte in enumerate(data[start : start + _PER_LINE])
            ),
            text="".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data[start : start + _PER_LINE]),
        )
        for start in starts
    )
