"""CSV files as platforms and spreadsheets write them: the encoding and the delimiter are found out.

`Table` keeps every character of a file with where each cell is, so that one column can be filled and the rest stays as
it was, byte for byte.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from grader.errors import UsageError
from grader.submission import shown

#: In the order in which they are tried; the last reads anything.
_ENCODINGS: Final = ("utf-8", "cp1252", "latin-1")
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_DELIMITERS: Final = ",;\t|"
#: A roster of 2000 students with 200 columns is a few megabytes.
_MAX_BYTES: Final = 64 * 1024 * 1024
#: A title, a date, `sep=;`: some lines may come before the names of the columns.
_MOST_BEFORE_HEADER: Final = 10
_QUOTED_AT_ALL: Final = re.compile(r'["\r\n]')


class Cell(NamedTuple):
    """A cell: where it is in the text, quotes included, and what it says."""

    start: int
    end: int
    value: str


Row = list[Cell]


def rows_of(text: str, delimiter: str) -> Iterator[Row]:
    """The cells of each line, as Python's csv module reads them; a quoted cell may have several lines."""
    row: Row = []
    at = 0
    while at < len(text):
        start, value = at, ""
        if text[at] == '"':
            at += 1
            while (end := text.find('"', at)) >= 0 and text[end + 1 : end + 2] == '"':
                value += text[at : end + 1]
                at = end + 2
            end = len(text) if end < 0 else end
            value += text[at:end]
            at = min(end + 1, len(text))
        rest = at
        while at < len(text) and text[at] not in {delimiter, "\r", "\n"}:
            at += 1
        row.append(Cell(start, at, value + text[rest:at]))
        if at < len(text) and text[at] == delimiter:
            at += 1
            if at == len(text):
                row.append(Cell(at, at, ""))
            continue
        at += 2 if text.startswith("\r\n", at) else 1
        # An empty line has no cells.
        yield [] if len(row) == 1 and row[0].start == row[0].end else row
        row = []
    if row:
        yield row


class Table:
    """A CSV file.

    `header`: the number of the line with the columns' names, among all of them.
    """

    def __init__(self, content: bytes, is_header: Callable[[list[str]], int]) -> None:
        """Read it; `is_header` says how many of a line's cells name a known column."""
        self._mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
        self._encoding, self._text = _decoded(content.removeprefix(self._mark), _MARKS.get(self._mark, ""))
        self._delimiter, self.header = self._found(is_header)
        self.rows = [*rows_of(self._text, self._delimiter)]

    def _found(self, is_header: Callable[[list[str]], int]) -> tuple[str, int]:
        """The delimiter with which a line names most columns, and which line it is."""
        best = (0, 0, _DELIMITERS[0], 0)
        for delimiter in _DELIMITERS:
            for number, row in zip(range(_MOST_BEFORE_HEADER), rows_of(self._text, delimiter), strict=False):
                count = is_header([cell.value for cell in row])
                if (count, len(row)) > best[:2]:
                    best = (count, len(row), delimiter, number)
        return best[2], best[3]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [cell.value.strip() for cell in self.rows[self.header]] if self.rows else []

    def filled(self, column: int, values: Mapping[int, str]) -> bytes:
        """The file with these values in a column, by the rows' numbers; everything else as it was.

        A row that is too short for the column gets the cells that it lacks.
        """
        parts = []
        done = 0
        for number, value in sorted(values.items()):
            row = self.rows[number]
            if column < len(row):
                parts += [self._text[done : row[column].start], self._written(value, row[column])]
                done = row[column].end
            else:
                parts += [self._text[done : row[-1].end], self._delimiter * (column - len(row) + 1), value]
                done = row[-1].end
        whole = "".join([*parts, self._text[done:]])
        return self._mark + whole.encode(self._encoding, "surrogateescape")

    def _written(self, value: str, cell: Cell) -> str:
        """With quotes where there were some, and where they are needed."""
        if self._text[cell.start : cell.start + 1] == '"' or self._delimiter in value or _QUOTED_AT_ALL.search(value):
            return '"' + value.replace('"', '""') + '"'
        return value


def _decoded(content: bytes, encoding: str) -> tuple[str, str]:
    if not encoding and b"\0" in content[:200]:
        # Every other byte of UTF-16 is a NUL where it is English.
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    for tried in (encoding, *_ENCODINGS):
        try:
            text = content.decode(tried) if tried else ""
        except UnicodeDecodeError:
            continue
        if tried and text.encode(tried) == content:
            return tried, text
    raise AssertionError("latin-1 reads anything")


def read(path: Path, is_header: Callable[[list[str]], int]) -> Table:
    """The table in a file.

    Raises:
        UsageError: it can't be read, or is something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{shown(str(path))} can't be read: {error.strerror or error}"
        raise UsageError(message) from error
    if len(content) > _MAX_BYTES or content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        what = "is too large" if len(content) > _MAX_BYTES else "is an Excel workbook"
        message = f"{shown(str(path))} {what}: save it as CSV"
        raise UsageError(message)
    return Table(content, is_header)
