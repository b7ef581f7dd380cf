"""Grades socket programs: runs them in a sandbox, plays awkward peers to them, and explains every verdict.

The flow, one arrow a module:

    submission.take(path)                   a snapshot of what was handed in        -> Submission
    languages.recipe(submission, role)      how it is built and started             -> Recipe
    sandbox.choose.choose(...).make(...)    the warden with the program, the driver -> Sandbox
    driver (pytest) + wire + checks         each check's verdict as it is reached   -> CheckResult ...
    results.make_report(...)                points, exit code                       -> Report
    report.render(kind, report)             console, JUnit XML, JSON, HTML

`flow.grade` is these lines as code.  What is in `__all__` is what an assignment's author imports; it is loaded only
when it is asked for, since the warden's side of the sandbox must not load any of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.catalogue import behaviour
    from grader.errors import Reason
    from grader.harness.fixtures import Connect, ConnectUdp, TcpClients, UdpClients
    from grader.harness.session import Clients, Session
    from grader.harness.stage import Server, Stage
    from grader.protocol.form import form
    from grader.protocol.frame import frame
    from grader.protocol.http import http
    from grader.protocol.http_request import http_request
    from grader.protocol.inputs import (
        every_byte,
        not_utf8,
        numbered_line,
        random_blanks,
        random_characters,
        random_letters,
        random_words,
    )
    from grader.protocol.judged import judged
    from grader.protocol.nothing import nothing
    from grader.protocol.reply import Complete, Incomplete, Matching, Mismatch, Reply
    from grader.protocol.script import Answer, ClientProtocol, DatagramProtocol, Entry, Exchange, StreamProtocol
    from grader.protocol.until import until
    from grader.wire.faults import FaultError, UnprovedError, fail

__all__ = [
    "Answer",
    "ClientProtocol",
    "Clients",
    "Complete",
    "Connect",
    "ConnectUdp",
    "DatagramProtocol",
    "Entry",
    "Exchange",
    "FaultError",
    "Incomplete",
    "Matching",
    "Mismatch",
    "Reason",
    "Reply",
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
    "form",
    "frame",
    "http",
    "http_request",
    "judged",
    "not_utf8",
    "nothing",
    "numbered_line",
    "random_blanks",
    "random_characters",
    "random_letters",
    "random_words",
    "until",
]

_HOMES = {
    "Answer": "grader.protocol.script",
    "ClientProtocol": "grader.protocol.script",
    "Clients": "grader.harness.session",
    "Complete": "grader.protocol.reply",
    "Connect": "grader.harness.fixtures",
    "ConnectUdp": "grader.harness.fixtures",
    "DatagramProtocol": "grader.protocol.script",
    "Entry": "grader.protocol.script",
    "Exchange": "grader.protocol.script",
    "FaultError": "grader.wire.faults",
    "Incomplete": "grader.protocol.reply",
    "Matching": "grader.protocol.reply",
    "Mismatch": "grader.protocol.reply",
    "Reason": "grader.errors",
    "Reply": "grader.protocol.reply",
    "Server": "grader.harness.stage",
    "Session": "grader.harness.session",
    "Stage": "grader.harness.stage",
    "StreamProtocol": "grader.protocol.script",
    "TcpClients": "grader.harness.fixtures",
    "UdpClients": "grader.harness.fixtures",
    "UnprovedError": "grader.wire.faults",
    "behaviour": "grader.catalogue",
    "every_byte": "grader.protocol.inputs",
    "fail": "grader.wire.faults",
    "form": "grader.protocol.form",
    "frame": "grader.protocol.frame",
    "http": "grader.protocol.http",
    "http_request": "grader.protocol.http_request",
    "judged": "grader.protocol.judged",
    "not_utf8": "grader.protocol.inputs",
    "nothing": "grader.protocol.nothing",
    "numbered_line": "grader.protocol.inputs",
    "random_blanks": "grader.protocol.inputs",
    "random_characters": "grader.protocol.inputs",
    "random_letters": "grader.protocol.inputs",
    "random_words": "grader.protocol.inputs",
    "until": "grader.protocol.until",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'grader' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
