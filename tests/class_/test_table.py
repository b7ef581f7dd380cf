"""CSV as csv reads it, and filled without changing another byte."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from grader.class_.table import Table, rows_of

TEXT = st.text(st.sampled_from('ab",;\r\n\t é='), max_size=60)


def _read(text: str, delimiter: str) -> list[list[str]]:
    return [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]


@given(TEXT, st.sampled_from(",;\t"))
def test_cells_are_those_that_csv_reads(text: str, delimiter: str) -> None:
    assert [[cell.value for cell in row] for row in rows_of(text, delimiter)] == _read(text, delimiter)


ROWS = st.lists(
    st.lists(st.text(st.sampled_from('ab",;\r\n é='), max_size=6), min_size=3, max_size=3), min_size=1, max_size=6
)


@given(
    ROWS,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.data(),
)
def test_only_the_filled_cells_change(
    rows: list[list[str]], encoding: str, end: str, quoting: int, data: st.DataObject
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=end, quoting=quoting).writerows([["name", "id", "grade"], *rows])  # type: ignore[arg-type]
    content = written.getvalue().encode(encoding)
    table = Table(content, lambda cells: len({*cells} & {"name", "id", "grade"}))
    assert table.filled(1, {}) == content
    whole = _read(content.decode(encoding), ",")
    usable = [at for at, row in enumerate(whole) if at and len(row) == 3]
    chosen = data.draw(st.sets(st.sampled_from(usable))) if usable else set()
    filled = table.filled(1, dict.fromkeys(chosen, "4.5"))
    expected = [
        ["name", "id", "grade"],
        *([row[0], "4.5", row[2]] if at in chosen else row for at, row in enumerate(whole[1:], 1)),
    ]
    assert _read(filled.decode(encoding), ",") == expected
    # The bytes before and after each filled cell are those that were there.
    assert len(filled) - len(content) == _difference(table, chosen, encoding)


def _difference(table: Table, chosen: set[int], encoding: str) -> int:
    units = 2 if encoding == "utf-16" else 1
    total = 0
    for at in chosen:
        cell = table.rows[at][1]
        whole = table._text[cell.start : cell.end]
        new = '"4.5"' if whole.startswith('"') else "4.5"
        total += len(new) * units - len(whole.encode("utf-16-le" if units == 2 else "utf-8"))
    return total


def test_a_short_row_gets_the_cells_that_it_lacks() -> None:
    table = Table(b"name,id,grade\njane\nal,2,\n", lambda cells: len({*cells} & {"name", "id", "grade"}))
    assert table.filled(2, {1: "5", 2: "6"}) == b"name,id,grade\njane,,5\nal,2,6\n"


def test_bytes_that_are_in_no_encoding_stay() -> None:
    content = b"name,grade\n\x81\x8d,\n"
    table = Table(content, lambda cells: "name" in cells)
    assert table.filled(1, {1: "5"}) == b"name,grade\n\x81\x8d,5\n"
