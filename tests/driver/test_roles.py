"""A job with a server and a client: in which order their checks are played, and what one's fault is to the other."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from grader.errors import Reason
from grader.job import Built, Checked, Command, Finished, Job, Refused
from grader.model import Outcome
from tests.driver.play import Played, job, play

#: Sends a line to the port it is given and prints what comes back.
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as sock:
    sock.sendall(b"over\\n")
    print(sock.recv(100).decode(), end="")
"""
COMMAND = Command((), (sys.executable, "-I", "-S", "-c", CLIENT, "{host}", "{port}"))
SERVER_CHECKS = """
def test_starts(server):
    '''Serves'''

def test_answers(connect):
    with connect() as client:
        client.send(b"x\\n")
        client.expect(b"x\\n")
"""
CLIENT_CHECKS = """
def test_starts(stage):
    '''Runs'''
    assert stage.programs._last is None, "the server runs on"
    program = stage.programs.run(("echo", "client"))
    program.wait_end()
    assert program.stdout.data == b"client\\r\\n"

def test_is_told(stage):
    assert stage._job.commands["client"].ports == (9, 12000)
"""
PAIR_CHECKS = """
def test_starts(stage):
    '''Talk'''
    server = stage.launch()
    told = tuple(
        word.replace("{port}", str(server.port)).replace("{host}", "127.0.0.1")
        for word in stage._job.commands["client"].run
    )
    import subprocess
    assert subprocess.run(told, capture_output=True, check=True).stdout == b"over\\n"
"""
MORE = {"test_client_own.py": CLIENT_CHECKS, "test_pair_own.py": PAIR_CHECKS}
ALL = ("pair.starts", "client.starts", "starts", "client.is_told", "answers")


def both(*checks: str, needs: dict[str, str] | None = None, client: Command = COMMAND, **more: object) -> Job:
    told = msgspec.structs.replace(client, ports=(9, 12000))
    return job(SERVER_CHECKS, *checks, needs=needs, client=told, more_own=MORE, **more)  # type: ignore[arg-type]


def outcomes(played: Played) -> dict[str, str]:
    return {name: check.outcome.value for name, check in played.checks.items()}


def test_the_servers_checks_come_first_then_the_clients_then_those_of_both(tmp_path: Path) -> None:
    played = play(both(*ALL, needs={"pair.starts": "server.starts"}), tmp_path)
    assert played.status == 0, played.complaints
    assert [(name, check.title, check.outcome) for name, check in played.checks.items()] == [
        ("starts", "Serves", Outcome.PASSED),
        ("answers", "test_answers", Outcome.PASSED),
        ("client.starts", "Runs", Outcome.PASSED),
        ("client.is_told", "test_is_told", Outcome.PASSED),
        ("pair.starts", "Talk", Outcome.PASSED),
    ], [check.message for check in played.checks.values()]
    assert [word.role for word in played.words if isinstance(word, Built)] == ["server", "client"]


def test_checks_of_both_are_skipped_for_the_one_that_they_need(tmp_path: Path) -> None:
    needs = {"pair.starts": "client.is_told"}
    what = both("client.is_told", "pair.starts", needs=needs)
    wrong = msgspec.structs.replace(COMMAND, ports=())
    commands = {"server": what.commands["server"], "client": wrong}
    played = play(msgspec.structs.replace(what, commands=commands), tmp_path)
    assert outcomes(played) == {"client.is_told": "error", "pair.starts": "skipped"}


def test_a_server_that_never_listens_is_nothing_to_a_client(tmp_path: Path) -> None:
    what = both("listens", "starts", "client.starts", program="raise SystemExit(1)")
    assert outcomes(play(what, tmp_path)) == {"listens": "failed", "starts": "skipped", "client.starts": "passed"}


def test_a_client_that_cannot_be_built_leaves_the_server_its_checks(tmp_path: Path) -> None:
    broken = msgspec.structs.replace(COMMAND, build=(("sh", "-c", "echo no client; exit 1"),))
    played = play(both(*ALL, client=broken), tmp_path)
    assert outcomes(played) == {"starts": "passed", "answers": "passed"}
    built = [(word.role, word.result.outcome) for word in played.words if isinstance(word, Built)]
    assert built == [("server", Outcome.SKIPPED), ("client", Outcome.FAILED)]
    assert played.finished


def test_a_server_that_cannot_be_built_leaves_the_client_its_checks(tmp_path: Path) -> None:
    played = play(both(*ALL, build=(("sh", "-c", "exit 1"),)), tmp_path)
    assert outcomes(played) == {"client.starts": "passed", "client.is_told": "passed"}


def test_each_program_is_built_before_anything_is_played(tmp_path: Path) -> None:
    played = play(both("starts", "client.starts", build=(("true",),)), tmp_path)
    assert [type(word) for word in played.words] == [Built, Built, Checked, Checked, Finished]


def test_a_client_alone_is_played_without_the_servers_files(tmp_path: Path) -> None:
    what = both("client.starts", "client.is_told")
    files = {**what.assignment.files, "test_own.py": b"raise SystemExit('a server has its own file')"}
    alone = msgspec.structs.replace(
        what,
        assignment=msgspec.structs.replace(what.assignment, files=files),
        commands={"client": what.commands["client"]},
    )
    assert outcomes(play(alone, tmp_path)) == {"client.starts": "passed", "client.is_told": "passed"}


def test_a_check_of_another_role_is_not_the_one_that_is_asked_for(tmp_path: Path) -> None:
    played = play(both("client.answers"), tmp_path)
    (refused,) = (word for word in played.words if isinstance(word, Refused))
    assert [str(flaw) for flaw in refused.flaws] == ["assignment.toml: there is no check client.answers"]


def test_a_time_that_is_used_up_is_used_up_for_both(tmp_path: Path) -> None:
    what = both("starts", "client.starts")
    limits = msgspec.structs.replace(what.assignment.limits, whole_s=1e-6)
    short = msgspec.structs.replace(what, assignment=msgspec.structs.replace(what.assignment, limits=limits))
    reasons = {name: check.reason for name, check in play(short, tmp_path).checks.items()}
    assert reasons == {"starts": Reason.TIME_BUDGET, "client.starts": Reason.TIME_BUDGET}
