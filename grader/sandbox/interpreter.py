"""How a module of ours is run in a process of its own.  Standard library only."""

from __future__ import annotations

import sys


def python_module(name: str) -> list[str]:
    """The command that runs one of our modules, wherever the user stands.

    Without -P the current folder would come first among the places that modules are imported from: it is often the
    submission, and a student's `random.py` would run as a part of the grader.
    """
    return [sys.executable, "-P", "-m", name]
