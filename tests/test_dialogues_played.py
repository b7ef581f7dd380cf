"""Kinds of protocols, each by a small assignment of its own, played by right programs and by programs with one fault.

A game with state, replies that hold a counter and the time, and one request per connection.  A wrong program is graded
by the checks that it fails and by what they depend on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader import assignment
from grader.errors import AssignmentError
from grader.lint import flaws
from grader.model import Outcome
from tests.test_published import FOLDER, grade, in_local, programs

#: The checks that each program fails, without their role.
FAILS: dict[tuple[str, str], set[str]] = {
    ("guessing", "right"): set(),
    ("guessing", "another_word_for_err"): {"answers"},
    ("guessing", "counts_from_one_too_many"): {"answers"},
    ("guessing", "one_count_for_all"): {"fragments_every_split", "concurrent_clients", "interleaved_fragments"},
    ("guessing", "one_recv_is_one_line"): {"fragments_every_byte"},
    ("tickets", "right"): set(),
    ("tickets", "answers_what_is_unfinished"): {"unfinished_message_gets_no_answer"},
    ("tickets", "no_seconds"): {"answers"},
    ("tickets", "one_recv_is_one_line"): {
        *("fragments_every_byte", "coalesced", "message_and_a_half", "unfinished_message_gets_no_answer"),
    },
    ("upper_once", "right"): set(),
    ("upper_once", "closes_with_unread_input"): {"reply_survives_unread_input"},
    ("upper_once", "keeps_it_open"): {"closes_when_done"},
    ("upper_once", "one_at_a_time"): {"idle_client_blocks_no_one"},
    ("upper_once", "one_recv_is_one_line"): {
        *("fragments_every_byte", "unfinished_message_gets_no_answer", "long_message", "reply_survives_unread_input"),
    },
    ("upper_once", "one_send_is_enough"): {"long_message", "slow_reader_gets_all"},
}
NAMES = sorted({name for name, _ in FAILS})


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_has_no_mistake(name: str) -> None:
    assert flaws(FOLDER / name, FOLDER) == []


@pytest.mark.parametrize(("name", "program"), FAILS)
def test_each_program_fails_its_checks(name: str, program: str) -> None:
    report = grade(name, program, in_local, FAILS[name, program])
    found = {check.id.partition(".")[2]: check.message for check in report.checks if check.outcome is Outcome.FAILED}
    assert found.keys() == FAILS[name, program], found
    assert {check.outcome for check in report.checks} <= {Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED}


def test_every_program_is_played() -> None:
    assert {(name, program) for name, program in programs() if name in NAMES} == FAILS.keys()


def test_a_wrong_state_is_told_with_what_was_answered_before() -> None:
    report = grade("guessing", "counts_from_one_too_many", in_local, ["answers"])
    (message,) = (check.message for check in report.checks if check.id == "server.answers")
    lines = [line.partition("'")[0] for line in message.splitlines() if "left out" not in line]
    assert lines[:4] == [
        "Client A received a different reply.",
        "client A received: ",
        "client A sent: ",
        "client A received: ",
    ]
    assert "^ expected here: " in message


@pytest.mark.parametrize(
    ("name", "check", "lacking"),
    [
        (
            "guessing",
            "coalesced",
            "requests that can be sent before others are answered, but protocol.py has a dialogue",
        ),
        ("guessing", "slow_reader_gets_all", "messages of any size, but protocol.py has neither large nor sized"),
        (
            "guessing",
            "closes_when_done",
            "a reply after which the server closes the connection, but protocol.py has no",
        ),
        ("guessing", "line_endings", "line_endings, which protocol.py does not have"),
        (
            "upper_once",
            "coalesced",
            'several requests on one connection, but the server has connection = "one_request"',
        ),
        (
            "upper_once",
            "stays_open",
            'several requests on one connection, but the server has connection = "one_request"',
        ),
        ("upper_once", "both_directions_full", "several requests on one connection"),
        ("tickets", "memory_stays_flat", "messages of any size"),
    ],
)
def test_a_check_that_cannot_be_played_is_refused_by_name(tmp_path: Path, name: str, check: str, lacking: str) -> None:
    folder = Path(shutil.copytree(FOLDER / name, tmp_path / name))
    table = folder / "assignment.toml"
    table.write_text(table.read_text() + f'{check} = "1.1"\n')
    line = len(table.read_text().splitlines())
    with pytest.raises(AssignmentError, match=rf"^assignment {name}: check server\.{check} needs {lacking}"):
        assignment.load(name, tmp_path)
    (flaw, *_) = flaws(folder, tmp_path)
    assert str(flaw).startswith(f"assignment.toml, line {line}: check server.{check} needs {lacking}")
