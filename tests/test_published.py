"""Assignments as courses have published them, each in a few lines, played against right and wrong programs.

A right one must pass every check; a wrong one is graded by those that it must not pass, and by what they depend on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import docker
import pytest
from _pytest.mark import ParameterSet

from grader import flow
from grader.assignment import Assignment, load
from grader.lint import flaws
from grader.model import Outcome, Report
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.host import Sandbox
from grader.sandbox.images import Contents, Images
from grader.sandbox.local import LocalSandbox

FOLDER = Path(__file__).parent / "assignments"

#: What depends on the right request, and so on what comes of it.
AFTER_THE_REQUEST = {
    *("reports_result", "reply_in_fragments", "server_closes_early", "server_resets", "silent_server"),
    *("ctrl_c_ends_it", "closes_its_socket"),
}
#: The checks that each program must not pass: assignment, program -> ids without their role.
VERDICTS: dict[tuple[str, str], set[str]] = {
    ("upload", "right"): set(),
    ("upload", "right_c"): set(),
    ("upload", "forgets_the_length"): {"sends_request", *AFTER_THE_REQUEST, "long_reply"},
    ("upload", "reads_text"): {"sends_request", *AFTER_THE_REQUEST, "long_reply"},
    ("upload", "one_recv"): {"reply_in_fragments", "long_reply", "server_closes_early", "server_resets"},
    ("led", "right"): set(),
    ("led", "one_recv"): {"reply_in_fragments", "replies_coalesced", "server_closes_early", "server_resets"},
    ("led", "throws_the_rest_away"): {
        *("reply_in_fragments", "replies_coalesced", "server_closes_early", "server_resets"),
    },
    ("led", "exits_zero"): {*AFTER_THE_REQUEST, "replies_coalesced"},
    ("lookup", "right"): set(),
    ("lookup", "right_c"): set(),
    ("lookup", "believes_anyone"): {"foreign_reply_ignored"},
    ("lookup", "ignores_the_id"): {"drops_other_ids"},
    ("lookup", "no_timeout"): {"retransmits", "gives_up", "asks_over_a_bad_network"},
    ("lookup", "asks_once"): {"retransmits", "gives_up", "asks_over_a_bad_network"},
    ("lisod", "right"): set(),
    ("lisod", "one_client_at_a_time"): {"concurrent_clients", "many_clients"},
    ("redis", "right"): set(),
    ("redis", "forgets_pipelined"): {
        *("pipelined_in_order", "binary_bytes", "fragments_every_split", "long_message"),
    },
    ("json_rpc", "right"): set(),
    ("json_rpc", "one_recv"): {
        *("coalesced", "message_and_a_half", "fragments_every_byte", "fragments_every_split", "utf8_split"),
        *("long_message", "slow_reader_gets_all", "both_directions_full"),
    },
    ("json_rpc", "answers_the_last"): {"coalesced", "slow_reader_gets_all", "both_directions_full"},
    ("mqtt", "right"): set(),
    ("mqtt", "one_recv"): {"fragments_every_byte", "fragments_every_split", "long_message"},
    ("mqtt", "forgets_who_asked"): {"delivers"},
    ("mqtt", "answers_strangers"): {"connects_first"},
    ("daytime", "right"): set(),
    ("daytime", "right_c"): set(),
    ("daytime", "stays_open"): {"closes_when_done", "no_fd_leak"},
    ("daytime", "stopped"): {
        *("answers", "closes_when_done", "sequential_clients", "connect_and_leave", "reset_before_accept"),
        *("backlog_burst", "no_fd_leak", "no_busy_loop", "port_reuse_after_ctrl_c"),
    },
    ("printer", "right"): set(),
    ("printer", "first_piece_only"): {"prints_what_it_gets", "prints_binary", "serves_the_next"},
    ("printer", "never_flushes"): {"prints_what_it_gets", "prints_binary", "serves_the_next"},
    ("pinger", "right"): set(),
    ("pinger", "another_port"): {"listens"},
    ("pinger", "asks_nothing"): {"names_itself"},
    ("postbox", "right"): set(),
    ("postbox", "no_pop3"): {"listens", "delivers", "takes_other_users"},
    ("udp_time", "right"): set(),
    ("udp_time", "clock_stopped"): {
        *("answers", "several_clients", "one_reply_each", "boundaries", "binary_bytes", "empty_datagram"),
        *("large_datagrams", "burst", "garbage_survived", "dead_client_survived", "restart_after_ctrl_c"),
        *("ends_quietly", "leaves_nothing_running", "no_busy_loop", "no_fd_leak", "no_zombies", "no_thread_leak"),
    },
}


def in_local(assignment: Assignment, archive: bytes, _: frozenset[str]) -> Sandbox:
    return LocalSandbox(assignment, archive)


def not_passed(report: Report) -> dict[str, str]:
    """What must explain itself: each check that did not pass, by name, with its message."""
    return {check.id.partition(".")[2]: check.message for check in report.checks if check.outcome is not Outcome.PASSED}


def programs() -> dict[tuple[str, str], Path]:
    """Where each program is: beside the others, or where `grader verify` makes mutants of it."""
    found = (*FOLDER.glob("*/programs/*"), *FOLDER.glob("*/reference/good/right"))
    return {(path.relative_to(FOLDER).parts[0], path.name): path for path in found}


def grade(name: str, program: str, make: flow.MakeSandbox, by: Collection[str] = ()) -> Report:
    """Graded `by` these checks and by what they depend on (none: by all)."""
    asked = load(name, FOLDER)
    (role,) = asked.roles
    only = frozenset(f"{role}.{check}" for check in by) or None
    request = flow.Request(asked, seed=1, only=only, second_look=False)
    return flow.grade(programs()[name, program], request, make, lambda _: None)


def played(keys: Iterable[tuple[str, str]]) -> list[ParameterSet]:
    """Those of `lookup` are clients over UDP."""
    return [pytest.param(*key, marks=[pytest.mark.waits] if key[0] == "lookup" else []) for key in keys]


@pytest.mark.parametrize("name", sorted({name for name, _ in VERDICTS}))
def test_its_folder_has_no_mistake(name: str) -> None:
    assert flaws(FOLDER / name, FOLDER) == []


@pytest.mark.parametrize(("name", "program"), played(VERDICTS))
def test_each_program_gets_its_verdicts(name: str, program: str) -> None:
    found = not_passed(grade(name, program, in_local, VERDICTS[name, program]))
    assert found.keys() == VERDICTS[name, program], found


@pytest.mark.container
@pytest.mark.parametrize(("name", "program"), played(key for key in VERDICTS if key[1] == "right"))
def test_a_right_one_passes_in_containers(engine: docker.DockerClient, name: str, program: str) -> None:
    def in_docker(assignment: Assignment, archive: bytes, families: frozenset[str]) -> Sandbox:
        supplied = Images(engine, lambda _: None).supply(Contents(families))
        return DockerSandbox(engine, assignment, archive, supplied, pytest.fail)

    assert not_passed(grade(name, program, in_docker)) == {}


def test_every_program_has_its_verdicts_here() -> None:
    assert programs().keys() >= VERDICTS.keys()
