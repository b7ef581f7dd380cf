"""What an assignment's `protocol.py` says, without the driver: for tests that look at ours."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from grader.assignment import folder_of, load


def said_by(name: str) -> dict[str, object]:
    """The names of one of our assignments' `protocol.py`, which finds the files beside it as it does in the driver."""
    files = load(name).files
    module: dict[str, object] = {"__name__": "protocol", "__file__": str(folder_of(name) / "protocol.py")}
    with pytest.MonkeyPatch.context() as patch:
        for beside in (Path(file).stem for file in files if not file.startswith(("protocol", "test_"))):
            patch.setitem(sys.modules, beside, helper := ModuleType(beside))
            exec(files[f"{beside}.py"], vars(helper))  # noqa: S102 — ours, and the driver imports it too
        exec(files["protocol.py"], module)  # noqa: S102 — likewise
    return module
