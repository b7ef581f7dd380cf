"""Grades socket programs: runs them in a sandbox, plays awkward peers to them, and explains every verdict.

The flow, one arrow a module:

    submission.take(path)                   a snapshot of what was handed in        -> Submission
    languages.recipe(submission, role)      how it is built and started             -> Recipe
    sandbox.choose.choose(...).make(...)    the warden with the program, the driver -> Sandbox
    driver (pytest) + wire + checks         each check's verdict as it is reached   -> CheckResult ...
    results.make_report(...)                points, exit code                       -> Report
    report.render(kind, report)             console, JUnit XML, JSON, HTML

`flow.grade` is these lines as code.  What an assignment's author imports from here is in `api.py`; it is loaded only
when it is asked for, since the warden's side of the sandbox must not load any of it.
"""

from __future__ import annotations

import importlib
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.api import *


def __getattr__(name: str) -> Any:
    # `from grader import flow` asks here first.
    if PathFinder.find_spec(f"{__name__}.{name}", __spec__.submodule_search_locations):
        message = f"module {name} is not imported yet"
        raise AttributeError(message)
    api = importlib.import_module("grader.api")
    if name == "__all__":
        return api.NAMES
    if name in api.NAMES:
        return getattr(api, name)
    message = f"module 'grader' has no attribute {name!r}"
    raise AttributeError(message)
