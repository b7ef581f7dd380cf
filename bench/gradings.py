"""Whole gradings, as the command that a user types, beside their floor."""

from __future__ import annotations

import json
import os
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
from typing import Literal

from bench.plan import Step, plan_of
from grader.model import BuildResult, Outcome
from grader.report.json import decode

_ROOT = Path(__file__).resolve().parent.parent
REFERENCE = _ROOT / "reference" / "tcp_uppercase"
_FLOOR = Path(__file__).with_name("floor.py")
Where = Literal["local", "docker"]
Seconds = float


def grade_s(program: Path, where: Where, expected_code: int, report: Path | None = None) -> Seconds:
    """The time of one `grader check`."""
    command = [sys.executable, "-m", "grader.cli", "check", str(program), "--assignment", "tcp_uppercase", "--quiet"]
    files = ["--json", str(report)] if report else []
    began = time.perf_counter()
    # From a folder without Python files: none of ours may be found by accident.
    ended = subprocess.run([*command, "--sandbox", where, *files], cwd="/", check=False, capture_output=True)
    elapsed_s = time.perf_counter() - began
    if ended.returncode != expected_code:
        words = ended.stdout.decode(errors="replace") + ended.stderr.decode(errors="replace")
        message = f"{program.name} in {where}: exit code {ended.returncode}, not {expected_code}\n{words}"
        raise RuntimeError(message)
    return elapsed_s


@contextmanager
def floor_of(program: Path) -> Iterator[Callable[[], Seconds]]:
    """What plays the floor of a right program's grading and gives its time; the grading is done once, to know it."""
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        grade_s(program, "local", 0, folder / "report.json")
        report = decode((folder / "report.json").read_bytes())
        plan = folder / "plan.json"
        plan.write_text(json.dumps([*_building(report.build), *plan_of(report)]))
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
    subprocess.run([sys.executable, str(_FLOOR), str(plan), str(work)], check=True, env={**os.environ, "PATH": _path()})
    return time.perf_counter() - began


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
