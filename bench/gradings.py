"""Whole gradings, as the command that a user types, beside their floor."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from bench import NotMeasuredError
from bench.plan import Step, plan_of
from bench.timed import Seconds, grade
from grader import assignment as assignments
from grader.model import BuildResult, Outcome, Role

_ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = "tcp_uppercase"
REFERENCES = _ROOT / "reference"
REFERENCE = REFERENCES / ASSIGNMENT
ASSIGNMENTS = _ROOT / "assignments"
_FLOOR = Path(__file__).with_name("floor.py")
Where = Literal["local", "docker"]

#: The checks whose evidence tells all that was done, so that the floor can do it again.  Of the others, transcripts
#: leave repetitions out (fragments_every_split, no_fd_leak, no_zombies, no_thread_leak, memory_stays_flat), or their
#: clients read nothing for a while, where a plain blocking socket would wait for ever (slow_reader_gets_all,
#: peer_gone_mid_reply), or the program is frozen meanwhile (reset_before_accept).
WHOLE_EVIDENCE = (
    *("server.listens", "server.answers", "server.sequential_clients", "server.fragments_every_byte"),
    *("server.coalesced", "server.message_and_a_half", "server.unfinished_message_gets_no_answer"),
    *("server.extra_reply_bytes", "server.binary_bytes", "server.pipelined_in_order", "server.long_message"),
    *("server.buffer_boundaries", "server.half_close", "server.stays_open", "server.connect_and_leave"),
    *("server.reset_mid_request", "server.ctrl_c_stops", "server.ctrl_c_with_client_connected"),
    *("server.ends_quietly", "server.sigterm_stops", "server.port_reuse_after_ctrl_c"),
    *("server.port_in_use_reported", "server.bad_arguments_reported", "server.no_busy_loop"),
    "server.leaves_nothing_running",
)


def grade_s(
    program: Path, where: Where, expected_code: int, only: tuple[str, ...] = (), role: Role = "server"
) -> Seconds:
    """The time of one `grader check`, of some checks or (none named) all.

    Raises:
        NotMeasuredError: it did not exit with that exit code.
    """
    command = [sys.executable, "-m", "grader", "check", str(program), "--assignment", ASSIGNMENT, "--quiet"]
    command += ["--role", role]
    command += [word for check in only for word in ("--only", check)]
    began = time.perf_counter()
    # From a folder without Python files: none of ours may be found by accident.
    ended = subprocess.run([*command, "--sandbox", where], cwd="/", check=False, capture_output=True)
    elapsed_s = time.perf_counter() - began
    if ended.returncode != expected_code:
        words = ended.stdout.decode(errors="replace") + ended.stderr.decode(errors="replace")
        message = f"{program.name} in {where}: exit code {ended.returncode}, not {expected_code}\n{words}"
        raise NotMeasuredError(message)
    return elapsed_s


class Cost(NamedTuple):
    """The time on the clock and the CPU time of a command, with all processes below it."""

    wall_s: Seconds
    cpu_s: Seconds


def cost_of(job: Callable[[], object]) -> Cost:
    """The cost of what a job starts and waits for.  What an engine runs in its containers is not in it."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    job()
    elapsed_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(elapsed_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def load_pytest() -> None:
    """An interpreter that loads pytest and exits: what no grading can do without."""
    subprocess.run([sys.executable, "-P", "-c", "import pytest"], cwd="/", check=True)


@contextmanager
def floor_of(
    program: Path, only: tuple[str, ...] = WHOLE_EVIDENCE, role: Role = "server"
) -> Iterator[Callable[[], Seconds]]:
    """What plays the floor of a right program's grading and gives its time; the grading is done once, to know it.

    It is a grading of the checks whose evidence is whole.
    """
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        played = grade(program, assignments.load(ASSIGNMENT), frozenset(only), role)
        plan = folder / "plan.json"
        plan.write_text(json.dumps([*_building(played.build), *plan_of(timed.check for timed in played.checks)]))
        work = folder / "work"
        work.mkdir()
        shutil.copy(program, work)
        yield lambda: _floor_s(plan, work)


def _building(build: BuildResult) -> list[Step]:
    if build.outcome is Outcome.SKIPPED:
        return []
    return [["build", shlex.split(command)] for command in build.command.split(" && ")]


def _floor_s(plan: Path, work: Path) -> Seconds:
    began = time.perf_counter()
    command = [sys.executable, str(_FLOOR), str(plan), str(work)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "PATH": _path()})
    elapsed_s = time.perf_counter() - began
    if ended.returncode:
        message = f"the floor was not played to its end\n{ended.stderr}"
        raise NotMeasuredError(message)
    return elapsed_s


def _path() -> str:
    """Where the sandbox's user finds programs: `python3` must be the same one in both."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if os.geteuid() or _open_to_others(Path(folder)))


def _open_to_others(folder: Path) -> bool:
    return folder.is_dir() and all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def medians(jobs: Mapping[str, Callable[[], Seconds]], rounds: int) -> dict[str, Seconds]:
    """Each job's median time; the jobs take turns, so that what else the machine does hits all alike."""
    times: dict[str, list[Seconds]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            times[name].append(job())
    return {name: statistics.median(taken) for name, taken in times.items()}
