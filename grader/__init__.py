"""Grades socket programs: runs them in a sandbox, plays awkward peers to them, and explains every verdict.

The flow, one arrow a module:

    submission.take(path)                   a snapshot of what was handed in        -> Submission
    languages.recipe(submission, role)      how it is built and started             -> Recipe
    sandbox.choose.choose(...).make(...)    the warden with the program, the driver -> Sandbox
    driver (pytest) + wire + checks         each check's verdict as it falls        -> CheckResult ...
    results.make_report(...)                points, exit code                       -> Report
    report.render(kind, report)             console, JUnit XML, JSON, HTML

`flow.grade` is these lines as code.  What stands in `__all__` is what an assignment's author imports; it is loaded when
it is asked for, since the warden's side of the sandbox must not load any of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.checks import behaviour
    from grader.driver.fixtures import Connect, Correspond, TcpClients, UdpClients
    from grader.driver.session import Clients, Session
    from grader.driver.stage import Server, Stage
    from grader.errors import Reason
    from grader.wire.faults import FaultError, UnprovedError, fail
    from grader.wire.inputs import (
        every_byte,
        not_utf8,
        numbered_line,
        random_blanks,
        random_characters,
        random_letters,
        random_words,
    )
    from grader.wire.script import Answer, ClientProtocol, DatagramProtocol, Entry, Exchange, StreamProtocol

__all__ = [
    "Answer",
    "ClientProtocol",
    "Clients",
    "Connect",
    "Correspond",
    "DatagramProtocol",
    "Entry",
    "Exchange",
    "FaultError",
    "Reason",
    "Server",
    "Session",
    "Stage",
    "StreamProtocol",
    "TcpClients",
    "UdpClients",
    "UnprovedError",
    "behaviour",
    "every_byte",
    "fail",
    "not_utf8",
    "numbered_line",
    "random_blanks",
    "random_characters",
    "random_letters",
    "random_words",
]

_HOMES = {
    "Answer": "grader.wire.script",
    "ClientProtocol": "grader.wire.script",
    "Clients": "grader.driver.session",
    "Connect": "grader.driver.fixtures",
    "Correspond": "grader.driver.fixtures",
    "DatagramProtocol": "grader.wire.script",
    "Entry": "grader.wire.script",
    "Exchange": "grader.wire.script",
    "FaultError": "grader.wire.faults",
    "Reason": "grader.errors",
    "Server": "grader.driver.stage",
    "Session": "grader.driver.session",
    "Stage": "grader.driver.stage",
    "StreamProtocol": "grader.wire.script",
    "TcpClients": "grader.driver.fixtures",
    "UdpClients": "grader.driver.fixtures",
    "UnprovedError": "grader.wire.faults",
    "behaviour": "grader.checks",
    "every_byte": "grader.wire.inputs",
    "fail": "grader.wire.faults",
    "not_utf8": "grader.wire.inputs",
    "numbered_line": "grader.wire.inputs",
    "random_blanks": "grader.wire.inputs",
    "random_characters": "grader.wire.inputs",
    "random_letters": "grader.wire.inputs",
    "random_words": "grader.wire.inputs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'grader' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
