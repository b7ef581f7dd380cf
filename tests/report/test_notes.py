"""What was left out of a submission stands in every report."""

from __future__ import annotations

import msgspec
import pytest

from grader.report import console, html, json, junit
from tests.report.examples import FULL

NOTES = ("'hw/pipe' was left out: it is a FIFO", "'\x1b[2J<b>' was left out")
NOTED = msgspec.structs.replace(FULL, notes=NOTES)


@pytest.mark.parametrize("module", [console, html, json, junit])
def test_notes_stand_in_every_report(module: object) -> None:
    render = module.render  # type: ignore[attr-defined]  # each renderer is a module with this function
    written = render(NOTED)
    assert b"it is a FIFO" in written
    assert b"it is a FIFO" not in render(FULL)
    assert b"\x1b" not in written
    assert module is json or b"<b>" not in written or module is console


def test_notes_are_read_back() -> None:
    assert json.decode(json.render(NOTED)).notes == NOTES
