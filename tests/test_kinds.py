"""Every check with every kind of protocol: proved by a right and a wrong program, or refused; and the page says it.

`docs/kinds.md` is written by `GRADER_UPDATE_GOLDEN=1 pytest tests/test_kinds.py`.
"""

from __future__ import annotations

import os

import pytest

from tests.kinds import PAGE, TABLES, Subject, Table, page, rows, subjects, verified
from tests.test_published import FOLDER


@pytest.fixture(scope="module")
def ours() -> list[Subject]:
    return [*subjects()]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.part}-{table.transport}")
def test_no_cell_is_open(table: Table, ours: list[Subject]) -> None:
    open_cells = [
        f"{check}: {kind.title}"
        for check, cells in rows(table, ours)
        for kind, cell in zip(table.kinds, cells, strict=True)
        if not cell.proved and not cell.refused
    ]
    assert open_cells == []


def test_the_page_is_the_table(ours: list[Subject]) -> None:
    rendered = page(ours)
    if os.environ.get("GRADER_UPDATE_GOLDEN"):
        PAGE.write_text(rendered, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == rendered, "GRADER_UPDATE_GOLDEN=1 writes it anew"


def test_make_verify_plays_what_proves_them() -> None:
    assert {path.name for path in FOLDER.glob("every_*")} <= {*verified()}
    assert {path.parent.name for path in FOLDER.glob("*/reference")} <= {*verified()}
    assert "python -m tests.kinds" in (PAGE.parent.parent / "Makefile").read_text(encoding="utf-8")
