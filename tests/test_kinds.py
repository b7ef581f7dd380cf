"""Every check with every kind of protocol: proved by a right and a wrong program, or refused; and the page says it.

`docs/kinds.md` is written by `GRADER_UPDATE_GOLDEN=1 pytest tests/test_kinds.py`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from grader.assignment import examine
from tests.kinds import PAGE, TABLES, Subject, Table, of_kind, page, rows, subjects, verified
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


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assignments of the tests without their programs, beside which others can be put."""
    folder = tmp_path_factory.mktemp("kinds") / "assignments"
    return Path(shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("programs", "reference")))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.part}-{table.transport}")
def test_what_is_refused_is_refused_where_an_assignment_asks_for_it(
    table: Table, ours: list[Subject], copies: Path
) -> None:
    asks = copies / "asks"
    asks.mkdir(exist_ok=True)
    for check, cells in rows(table, ours):
        for kind, cell in zip(table.kinds, cells, strict=True):
            if cell.refused:
                parent = of_kind(kind, table, ours)[0].asked.name
                said = f'extends = "{parent}"\n[checks.{table.part}]\n{check.partition(".")[2]} = "1.1"\n'
                (asks / "assignment.toml").write_text(said)
                _, flaws = examine(asks, copies)
                assert [flaw for flaw in flaws if flaw.what.startswith(f"check {check} needs {cell.refused}")], said


def test_the_page_is_the_table(ours: list[Subject]) -> None:
    rendered = page(ours)
    if os.environ.get("GRADER_UPDATE_GOLDEN"):
        PAGE.write_text(rendered, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == rendered, "GRADER_UPDATE_GOLDEN=1 writes it anew"


def test_make_verify_plays_what_proves_them() -> None:
    assert {path.name for path in FOLDER.glob("every_*")} <= {*verified()}
    assert {path.parent.name for path in FOLDER.glob("*/reference")} <= {*verified()}
    assert "python -m tests.kinds" in (PAGE.parent.parent / "Makefile").read_text(encoding="utf-8")
