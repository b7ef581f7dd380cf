"""The benchmark works; how fast anything is, is not asserted here."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import NotMeasuredError, costs, failing, gradings, growth, languages, lines, plan, versus
from bench.timed import Timed
from grader import assignment as assignments
from grader import flow
from grader.model import CheckResult, Event, EventKind, Outcome, Requirement
from grader.submission import take
from grader.verify import Expected
from grader.verify.references import load_references, reference_folder

ROOT = Path(__file__).resolve().parent.parent
FLOOR = ROOT / "bench" / "floor.py"
RIGHT = ROOT / "reference" / "tcp_uppercase" / "good"


def event(kind: EventKind, **fields: object) -> Event:
    return Event(at_ms=0, kind=kind, **{"who": "client A", **fields})  # type: ignore[arg-type]


def passed(*events: Event) -> CheckResult:
    return CheckResult("server.x", "x", Requirement("1.1", "x"), Outcome.PASSED, 1, 1, evidence=events)


def steps(*events: Event) -> list[plan.Step]:
    return plan.plan_of([passed(*events)])


def play(folder: Path, planned: list[plan.Step]) -> subprocess.CompletedProcess[str]:
    path = folder / "plan.json"
    path.write_text(json.dumps(planned))
    return subprocess.run([sys.executable, FLOOR, path, RIGHT], check=False, capture_output=True, text=True)


STARTED = event(EventKind.STARTED, who="program", text="python3 threads.py 20001")
LISTENING = event(EventKind.LISTENING, who="program")
EXITED = event(EventKind.EXITED, who="program")
CONVERSATION = (
    STARTED,
    LISTENING,
    event(EventKind.CONNECTED),
    event(EventKind.SENT, data=b"ab\n", size_bytes=3, pieces=(1, 2)),
    event(EventKind.RECEIVED, data=b"AB\n", size_bytes=3),
    event(EventKind.HALF_CLOSED),
    event(EventKind.PEER_CLOSED),
    event(EventKind.CLOSED),
    event(EventKind.SIGNAL, who="grader"),
    EXITED,
)


def test_a_program_that_ends_without_listening_finds_its_port_taken() -> None:
    (started, _) = steps(STARTED, EXITED)
    (first, *_) = steps(STARTED, LISTENING, EXITED)
    assert isinstance(started[1], list)
    assert started[2] == int(started[1][-1])
    assert first[2] == 0


def test_no_connection_before_a_start_is_given_its_port() -> None:
    """A server could not listen there for a minute after a client had closed first."""
    (_, (_, port), *_) = steps(STARTED, LISTENING, EXITED)
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not lowest <= int(str(port)) <= highest


def test_left_out_bytes_are_sent_too() -> None:
    sent = event(EventKind.SENT, data=b"xy\n", size_bytes=103, omitted_bytes=100, head_bytes=2)
    ((_, _, encoded),) = steps(sent)
    assert base64.b64decode(str(encoded)) == b"xy" + b"a" * 100 + b"\n"


@pytest.mark.parametrize("kind", [EventKind.NOTE, EventKind.FROZEN])
def test_evidence_that_is_not_whole_is_refused(kind: EventKind) -> None:
    with pytest.raises(NotMeasuredError, match=r"server\.x"):
        steps(*CONVERSATION, event(kind, who="grader"))


def test_a_signal_is_sent_by_its_name() -> None:
    typed = event(EventKind.SIGNAL, who="grader", text="Ctrl-C typed at the program's terminal")
    sent = event(EventKind.SIGNAL, who="grader", text="SIGTERM sent to the program")
    assert steps(typed, sent) == [["signal", "SIGINT"], ["signal", "SIGTERM"]]


def test_the_floor_plays_a_conversation(tmp_path: Path) -> None:
    run = play(tmp_path, steps(*CONVERSATION))
    assert run.returncode == 0, run.stderr


def test_the_floor_does_not_overlook_a_missing_reply(tmp_path: Path) -> None:
    too_long = event(EventKind.RECEIVED, data=b"AB\n", size_bytes=4)
    changed = [too_long if each.kind is EventKind.RECEIVED else each for each in CONVERSATION]
    # The half-close comes first, so that the reply's end is known at once.
    changed[4], changed[5] = changed[5], changed[4]
    run = play(tmp_path, steps(*changed))
    assert run.returncode != 0
    assert "1 of 4 bytes are missing" in run.stderr


def test_the_floor_holds_the_port_of_a_program_that_must_refuse(tmp_path: Path) -> None:
    run = play(tmp_path, steps(STARTED, EXITED))
    assert run.returncode == 0, run.stderr


def timed(check_id: str, duration_s: float = 0.1, *events: Event) -> Timed:
    check = CheckResult(check_id, "x", Requirement("1.1", "x"), Outcome.PASSED, 1, 1)
    return Timed(msgspec.structs.replace(check, duration_s=duration_s, evidence=events), whole_s=2 * duration_s)


def at(ms: float, kind: EventKind) -> Event:
    return Event(at_ms=ms, kind=kind, who="program")


def test_a_start_lasts_until_the_program_listens() -> None:
    started = at(10, EventKind.STARTED), at(50, EventKind.LISTENING), at(100, EventKind.STARTED)
    again = at(120, EventKind.STARTED), at(150, EventKind.LISTENING), at(170, EventKind.LISTENING)
    one = timed("server.x", 0.1, *started, *again)
    assert one.start_s == pytest.approx(0.07)
    assert one.started == 3


def test_only_the_check_of_the_start_takes_the_time_of_the_start() -> None:
    events = at(0, EventKind.STARTED), at(50, EventKind.LISTENING)
    assert timed("server.listens", 0.001, *events).verdict_s == pytest.approx(0.051)
    assert timed("server.answers", 0.1, *events).verdict_s == pytest.approx(0.1)


def test_the_costs_are_medians_beside_each_other() -> None:
    assignment = assignments.load("tcp_uppercase")
    listens = (at(0, EventKind.STARTED), at(40, EventKind.LISTENING))
    rounds = [
        {"server.listens": timed("server.listens", s, *listens), "server.answers": timed("server.answers", s)}
        for s in (0.2, 0.3, 0.9)
    ]
    rows = [row.split() for row in costs.table(assignment, {"threads.py": rounds})]
    assert rows[2:4] == [["server.listens", "40", "300", "600", "1"], ["server.answers", "300", "600"]]
    assert rows[-1] == ["threads.py:", "1", "programs", "started", "for", "2", "checks"]


def test_the_slowest_failures_come_first_and_the_median_has_a_goal() -> None:
    failures = [failing.Failure(f"broken/{n}.py", "server.x", "no_reply", n / 10) for n in range(21)]
    *slowest, median, left = failing.lines(failing.Findings(failures, ["good/x.py: why"]))
    assert [row.split()[0] for row in slowest] == [str(n * 100) for n in range(20, 10, -1)]
    assert "1000 ms more" in median
    assert "MISSED" in median
    assert left.endswith("good/x.py: why")


def test_each_of_the_checks_that_share_a_crowd_is_compared_with_the_one_that_played_it() -> None:
    usual = failing._usual({"server.no_fd_leak": [0.5, 0.7, 0.6], "server.no_zombies": [0.0], "server.answers": [0.1]})
    assert usual == {"server.no_fd_leak": 0.6, "server.no_zombies": 0.6, "server.answers": 0.1}


def test_right_programs_are_spread_among_the_broken_ones() -> None:
    assert failing._spread(["a", "b"], ["1", "2", "3", "4"]) == ["1", "a", "2", "3", "b", "4"]


def test_only_verdicts_of_programs_that_are_there_are_taken(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "here.py").touch()
    (tmp_path / "verdicts.toml").write_text('["good/here.py"]\n["broken/gone.py"]\nfails = ["server.answers"]\n')
    (tmp_path / "good" / "client.py").touch()
    with (tmp_path / "verdicts.toml").open("a") as file:
        file.write('["good/client.py"]\nrole = "client"\n')
    assert list(failing.verdicts_of(tmp_path)) == ["good/here.py"]


@pytest.mark.parametrize("length_bytes", [20, 400])
def test_padded_messages_have_the_length_asked_for(length_bytes: int) -> None:
    with growth._padded(ROOT / "assignments" / "tcp_uppercase", length_bytes) as assignment:
        protocol: dict[str, Any] = {}
        exec(assignment.files["protocol.py"], protocol)  # noqa: S102 — our own file
    exchanges = [protocol["exchange"](number, random.Random(number)) for number in range(3)]  # noqa: S311
    assert [len(exchange.request) for exchange in exchanges] == [length_bytes] * 3
    assert all(exchange.reply == exchange.request.upper() for exchange in exchanges)
    assert len({exchange.request for exchange in exchanges}) == 3


def test_the_first_checks_need_none_that_comes_later() -> None:
    assignment = assignments.load("tcp_uppercase")
    servers = [spec for spec in assignment.checks if spec.part == "server"]
    for count in range(1, len(servers) + 1):
        first = frozenset(growth.first_checks(assignment, count))
        assert len(first) == count
        assert assignment.with_needed(first) == first


def test_the_checks_of_whole_evidence_need_no_others() -> None:
    whole = frozenset(gradings.WHOLE_EVIDENCE)
    assert assignments.load(gradings.ASSIGNMENT).with_needed(whole) == whole


def test_two_checkouts_are_compared_by_ratios() -> None:
    fragments, split, clients = versus.FIGURES
    found = {str(versus._HERE): 2.0, "/other": 1.0}
    rows = [versus.said(figure, found, "/other").split("   ") for figure in (fragments, split, clients)]
    assert [[cell.strip() for cell in row if cell.strip()][1:] for row in rows] == [
        ["1500 in a second", "there 3000 in a second; 2.00 times as long here"],
        ["1000 ms", "there 500 ms; 2.00 times as long here"],
        ["2000 ms", "there 1000 ms; 2.00 times as long here"],
    ]
    assert assignments.load("tcp_echo").server.clients == versus._CLIENTS


def test_a_checkout_without_a_grader_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match=r"has no \.venv: type make"):
        versus.check_s(tmp_path, versus.FIGURES[0], tmp_path)


def test_cpu_time_is_that_of_all_processes_below() -> None:
    busy = "import time\nwhile time.process_time() < 0.1: pass"
    inner = [sys.executable, "-S", "-c", busy]
    outer = [sys.executable, "-S", "-c", f"import subprocess; subprocess.run({inner!r})"]
    assert gradings.cost_of(lambda: subprocess.run(outer, check=True)).cpu_s >= 0.1


PARTS = (
    *("fragments in a second", "of the deadline", "times the floor", "hopeless server"),
    *("one check, CPU time", "programs started for 3 checks", "failed checks"),
    *("3 of the assignment's checks", "split at every place"),
)


@pytest.mark.alone
@pytest.mark.parametrize("words", PARTS)
def test_every_part_gives_a_figure(words: str, quick: str) -> None:
    assert words in quick


@pytest.mark.alone
def test_every_part_is_measured(quick: str) -> None:
    assert "not measured" not in quick, quick


@pytest.fixture(scope="module")
def quick() -> str:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_programs_of_all_languages_are_there_and_in_their_language() -> None:
    for assignment, roles in languages.PROGRAMS.items():
        for role, programs in roles.items():
            for language, program in programs.items():
                request = flow.Request(assignments.load(assignment), 1, (role,))
                made = flow.plan(take(gradings.REFERENCES / assignment / "good" / program), request).recipes[role]
                assert made.language == language


def test_lines_are_looked_at_in_python_and_in_c_by_turns() -> None:
    asked = assignments.load("tcp_uppercase")
    known = load_references(reference_folder(asked, assignments.folder_of("tcp_uppercase")), asked)
    chosen = lines.chosen(known, asked, 6)
    of = [known.mutants[program].of if program in known.mutants else program for program in chosen]
    assert [Path(program).suffix for program in of] == [".py", ".c"] * 3
    assert all(known.verdicts[program].fails for program in chosen)


def test_a_place_is_shown_with_its_line() -> None:
    message = "No reply.\nin its source: s.py, line 2, in f\n       1  a\n  >    2  b()\nin its source: t.py, line 9\n"
    result = msgspec.structs.replace(passed(), message=message)
    assert lines.Named("x", Expected(), result).places == [
        "in its source: s.py, line 2, in f   >    2  b()",
        "in its source: t.py, line 9   ",
    ]
