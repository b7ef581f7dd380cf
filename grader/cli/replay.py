"""`grader replay`: the conversation of one check once more, step by step."""

from __future__ import annotations

import io
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from grader import assignment as assignments
from grader import languages
from grader.assignment import Assignment
from grader.cli import asked
from grader.cli.debugging import filled, not_optimized, under_debugger
from grader.cli.say import say, show
from grader.errors import CannotJudgeError, UsageError
from grader.model import ROLES, CheckResult, Event, Part, Report, Role
from grader.report import json, text, transcripts
from grader.report.player import free_port
from grader.report.replaying import as_started, failed_check, found_files, last_act, script
from grader.submission import take

_EXAMPLES = """\b
Examples:
  grader replay report.json server.coalesced --submission submission/
  grader replay report.json server.coalesced --port 12000 --step
  grader replay report.json server.coalesced --print
"""


@click.command("replay", epilog=_EXAMPLES)
@click.argument("report", type=click.Path(path_type=Path), metavar="REPORT.json")
@click.argument("name", metavar="CHECK")
@click.option(
    "--submission",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Build and start this program for it. It runs on this machine without a sandbox: use it for your own code.",
)
@asked.ASSIGNMENTS
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Your server is running, on this port.")
@click.option("--step", "by_step", is_flag=True, help="Wait for Enter before each step.")
@click.option(
    "--debug",
    is_flag=True,
    help="Start the program under gdb or pdb, with a breakpoint where the report says that it was; the conversation "
    "begins when it listens, and waits for you.",
)
@click.option(
    "--role",
    type=click.Choice(ROLES),
    help="Which program is debugged where your two talk to each other; the client unless you say otherwise.",
)
@click.option("--print", "only_print", is_flag=True, help="Print a Python script that does the same, and stop.")
def command(
    *,
    report: Path,
    name: str,
    submission: Path | None,
    folder: Path | None,
    port: int | None,
    by_step: bool,
    debug: bool,
    role: Role | None,
    only_print: bool,
) -> int:
    """Play the conversation of CHECK again, as a report has it: the same bytes, in the same pieces."""
    whole = _read(report)
    check = failed_check(whole, name)
    words, plays = script(whole, check), last_act(check).plays
    if only_print:
        sys.stdout.write(words)
        return 0
    if debug and (submission is None or by_step):
        raise UsageError("--debug needs --submission, and goes without --step: the debugger has the keyboard")
    if role and not (debug and plays == "pair"):
        raise UsageError("--role says which of two programs is debugged, in a check of both")
    if submission is None and port is None:
        raise UsageError("name your program with --submission, or the port that it is running on with --port")
    with tempfile.TemporaryDirectory(prefix="grader-replay-") as scratch:
        (file := Path(scratch) / "replay.py").write_text(words, "utf-8")
        options = ["--step"] if by_step else []
        options += [str(port)] if port else []
        if submission:
            (work := Path(scratch) / "program").mkdir()
            roles: tuple[Role, ...] = ROLES if plays == "pair" else (plays,)
            asked_for = assignments.load(whole.assignment, folder)
            built, events = _built(submission, asked_for, roles, work, debug=debug), last_act(check).events
            runs = {one: _filled(run, one, asked_for, folder, events) for one, run in built.items()}
            _lay(found_files(events), work)
            if debug:
                chosen = role or roles[-1]
                others = [word for one in roles if one != chosen for word in _option(plays, one, runs[one])]
                at = ["--at"] if (plays, chosen) == ("pair", "client") else []
                place = text.place(check)
                if plays == "pair" and place and chosen not in place.file:
                    place = None  # it may be the other program's
                debugger = under_debugger(runs[chosen], place)
                return _debugged([sys.executable, str(file), *others, *at], debugger, work)
            own = [one for one in roles if not (port and len(roles) > 1 and one == "server")]
            options += [word for one in own for word in _option(plays, one, runs[one])]
        played = subprocess.run([sys.executable, file, *options], cwd=work if submission else None, check=False)
    return 0 if played.returncode == 0 else 3


def _debugged(player: list[str], debugger: list[str], work: Path) -> int:
    """Debug the program in the foreground; beside it, the conversation begins when it is ready and waits for it."""
    port = str(free_port())
    words = filled(debugger, {"host": "127.0.0.1", "port": port}, shutil.which)
    say(f"the conversation begins when your program is ready on port {port}: {shlex.join(words)}")
    player = [*player, port, "--wait"]
    with subprocess.Popen(player, cwd=work, stdin=subprocess.DEVNULL, start_new_session=True) as playing:
        before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the debugger's
        try:
            subprocess.run(words, cwd=work, check=False)
        finally:
            signal.signal(signal.SIGINT, before)
            playing.terminate()
    return 0


def _filled(
    run: tuple[str, ...], role: Role, assignment: Assignment, folder: Path | None, events: tuple[Event, ...]
) -> tuple[str, ...]:
    """A program's command, with all in it but the host and its ports."""
    server = assignment.server
    filling = {
        "files": str(assignments.folder_of(assignment.name, folder) / "files"),
        **(dict.fromkeys(server.main_names, "{port}") if role == "server" else {}),
        **({name: f"{{port:{name}}}" for name in server.further_names} if role == "server" else {}),
    }
    words = [*run]
    for name, value in filling.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return as_started(words, role, events)


def _lay(files: Mapping[str, bytes], work: Path) -> None:
    """Put files into a program's folder that the check has put there; a report may claim any path."""
    for name, content in files.items():
        target = (work / name).resolve()
        if target.is_relative_to(work.resolve()) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _read(path: Path) -> Report:
    """The report with complete transcripts, as far as there are any beside it."""
    try:
        report = json.decode(path.read_bytes())
        beside = transcripts.beside(path)
        long = msgspec.json.decode(beside.read_bytes(), type=dict[str, tuple[Event, ...]]) if beside.is_file() else {}
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{beside} is not a grader's file of transcripts: {error}") from error

    def complete(check: CheckResult) -> CheckResult:
        return msgspec.structs.replace(check, evidence=long.get(check.id, check.evidence))

    return msgspec.structs.replace(report, checks=tuple(map(complete, report.checks)))


def _option(plays: Part, role: Role, run: tuple[str, ...]) -> tuple[str, str]:
    """The script's option that starts a program."""
    return "--server" if (plays, role) == ("pair", "server") else "--run", shlex.join(run)


def _built(
    submission: Path, assignment: Assignment, roles: tuple[Role, ...], folder: Path, *, debug: bool
) -> dict[Role, tuple[str, ...]]:
    """Unpack and build an assignment's programs there; how each is started.

    Raises:
        UsageError: there is no such program in it.
        CannotJudgeError: it can't be built.
    """
    taken = take(submission)
    starting = {role: assignment.starting(role) for role in roles}
    found, lacking = languages.recipes(taken, roles, starting, assignment.transport)
    for why in lacking.values():
        raise UsageError(why)
    say("it runs on this machine without a sandbox: replay only your own code")
    with tarfile.open(fileobj=io.BytesIO(taken.archive)) as archive:
        archive.extractall(folder, filter="data")
    for words in dict.fromkeys(words for recipe in found.values() for words in recipe.build):
        command = not_optimized(words) if debug else words
        built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if built.returncode:
            show(built.stdout + built.stderr, err=True)
            raise CannotJudgeError(f"it can't be built: {shlex.join(command)} failed")
    return {role: recipe.run for role, recipe in found.items()}
