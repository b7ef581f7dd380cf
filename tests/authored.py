"""What an assignment's `protocol.py` has, as the driver imports it: it may import its neighbours."""

from __future__ import annotations

import sys

import pytest

from grader.assignment import folder_of, load


def protocol_of(name: str) -> dict[str, object]:
    """The names that it binds; nothing of it stays among the modules."""
    asked = load(name)
    files = asked.files
    folders = (folder_of(each) for each in (name, *asked.extends))  # a variant may have its parent's
    folder = next(folder for folder in folders if (folder / "protocol.py").exists())
    module: dict[str, object] = {"__name__": "protocol", "__file__": str(folder / "protocol.py")}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        exec(files["protocol.py"], module)  # noqa: S102 — ours, and the driver imports it too
        for file in files:
            sys.modules.pop(file.removesuffix(".py"), None)
    return module
