"""The programs of the lectures, carried over to Python 3: each gets the verdict that reading it gives.

`lectures/<assignment>/` holds a lecture's server and client as they stand there.  What is written down here was found
by reading them beside the handout; what is skipped because of it is not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import assignment, flow
from grader.model import CheckResult, Outcome, Report, Role
from grader.sandbox.choose import choose

LECTURES = Path(__file__).parent / "lectures"
#: By assignment and role, the checks that fail.
FAILS: dict[tuple[str, Role], set[str]] = {
    # The port stands in the program; a line is sent without its end, so the server's line never ends; knows no error.
    ("tcp_uppercase", "client"): {"connects", "sends_exactly", "refused_reported"},
    # One recv, one answer, and the connection is closed after it.
    ("tcp_uppercase", "server"): {"listens", "answers", "bad_arguments_reported"},
    # It asks for one sentence and ends; it waits without end.
    ("udp_uppercase", "client"): {"sends_where_told", "sends_exactly", "dead_port_reported"},
    # Text and 2048 bytes at most; what can't be decoded ends it.
    ("udp_uppercase", "server"): {
        *("listens", "binary_bytes", "large_datagrams", "garbage_survived", "ends_quietly", "bad_arguments_reported"),
    },
    # Asks for host and port, sends a line without its end, knows no error.
    ("tcp_echo", "client"): {"sends_exactly", "refused_reported", "unknown_host_reported"},
    # One recv is one line, for the word close; a backlog of 5.
    ("tcp_echo", "server"): {
        *("listens", "bad_arguments_reported", "only_the_line_close", "close_among_others", "fragments_every_split"),
        *("backlog_burst", "ends_quietly"),
    },
    # Any datagram from anybody is the reply, and it is waited for without end.
    ("udp_reply", "client"): {
        *(
            "sends_where_told",
            "large_reply",
            "lost_reply",
            "gives_up",
            "late_reply",
            "duplicate_reply",
            "foreign_reply_ignored",
            "dead_port_reported",
        ),
        *("eof_ends_it", "quit_ends_it", "ctrl_c_ends_it"),
    },
    # An empty datagram ends it, and so does one that it can't decode to print it; 1024 bytes at most.  Where its port
    # is in use it says so, and exits with status 0.
    ("udp_reply", "server"): {
        *("listens", "binary_bytes", "empty_datagram", "large_datagrams", "garbage_survived", "ends_quietly"),
        *("bad_arguments_reported", "port_in_use_reported"),
    },
}


def graded(name: str, role: Role) -> Report:
    request = flow.Request(assignment.load(name), 1, (role,))
    make = choose("local", lambda _: None).make
    return flow.grade(LECTURES / name / f"{role}.py", request, make, lambda _: None)


@pytest.mark.parametrize(("name", "role"), [pytest.param(*case, id="-".join(case)) for case in FAILS])
def test_a_program_of_a_lecture_gets_the_verdict_that_reading_it_gives(name: str, role: Role) -> None:
    report = graded(name, role)
    assert report.complete
    assert {check.id for check in report.checks if check.outcome is Outcome.FAILED} == {
        f"{role}.{check}" for check in FAILS[name, role]
    }
    assert all(explained(check) for check in report.checks if check.outcome is Outcome.FAILED)


def explained(check: CheckResult) -> bool:
    """Whether it says what happened, and what to look at."""
    return bool(check.message and check.hint and check.requirement.text and check.reason)


def test_every_lecture_has_both_programs() -> None:
    assert {(name, role) for name, role in FAILS} == {(path.parent.name, path.stem) for path in LECTURES.glob("*/*.py")}
