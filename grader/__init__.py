"""Grades socket programs: runs them in a sandbox, plays awkward peers to them, and explains every verdict.

The flow, one arrow a module:

    submission.take(path)                   a snapshot of what was handed in        -> Submission
    languages.recipe(submission, role)      how it is built and started             -> Recipe
    sandbox.choose.choose(...).make(...)    the warden with the program, the driver -> Sandbox
    driver (pytest) + wire + checks         each check's verdict as it falls        -> CheckResult ...
    results.make_report(...)                points, completeness                    -> Report
    report.render(kind, report)             console, JUnit XML, JSON, HTML

`flow.grade` is these lines as code.  What stands in `__all__` is what an assignment's author imports; it is loaded when
it is asked for, since the warden's side of the sandbox must not load any of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.checks import behaviour
    from grader.driver.fixtures import Connect
    from grader.driver.stage import Server, Stage
    from grader.errors import Reason
    from grader.wire.faults import FaultError, UnprovedError
    from grader.wire.script import Exchange, StreamProtocol

__all__ = [
    "Connect",
    "Exchange",
    "FaultError",
    "Reason",
    "Server",
    "Stage",
    "StreamProtocol",
    "UnprovedError",
    "behaviour",
]

_HOMES = {
    "Connect": "grader.driver.fixtures",
    "Exchange": "grader.wire.script",
    "FaultError": "grader.wire.faults",
    "Reason": "grader.errors",
    "Server": "grader.driver.stage",
    "Stage": "grader.driver.stage",
    "StreamProtocol": "grader.wire.script",
    "UnprovedError": "grader.wire.faults",
    "behaviour": "grader.checks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'grader' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
