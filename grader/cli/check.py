"""`grader check`: one submission."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader import flow, results
from grader.cli import asked, captures
from grader.cli import formats as reports
from grader.cli.complete import assignment_names
from grader.cli.say import console, reader_may_leave, say, status
from grader.cli.watching import watch
from grader.errors import UsageError
from grader.flow import Listener
from grader.job import Built, Checked, Word
from grader.limits import MOST_SEED
from grader.model import Audience, Report, Role, SubmissionInfo
from grader.report.audience import for_student
from grader.sandbox.choose import Choice, Needs, Wanted, choose
from grader.submission import name_of, take

if TYPE_CHECKING:
    from grader.sandbox.begun import Nest


_EXAMPLES = """\b
Examples:
  grader check submission/ --assignment tcp_uppercase
  grader check server.py --assignment tcp_uppercase --role server --html report.html
  grader check --assignment tcp_uppercase --only fragments_every_byte --seed 3
"""


@click.command("check", epilog=_EXAMPLES)
@click.argument("submission", type=asked.NamedPath(), default=Path(), metavar="[SUBMISSION]")
@click.option(
    "--assignment",
    "name",
    metavar="NAME",
    shell_complete=assignment_names,
    help="Which assignment it is, by name or path (or say so in grader.toml).",
)
@asked.ASSIGNMENTS
@asked.ROLE
@asked.SANDBOX
@asked.OFFLINE
@asked.IMAGE
@asked.ONLY
@click.option("--seed", type=asked.SEEDS, metavar="N", help="Use the inputs of the run that reported this seed.")
@click.option("--junitxml", type=click.Path(path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--json", "json_", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as an HTML page.")
@click.option("--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as Markdown.")
@reports.FORMAT
@click.option(
    "--pcap", type=click.Path(path_type=Path), metavar="DIR", help="Write a packet capture of each failed check."
)
@asked.HIDDEN
@click.option(
    "--audience",
    type=click.Choice([each.value for each in Audience]),
    default=Audience.STUDENT.value,
    show_default=True,
    help="Who the reports are for: a student's don't show what hidden checks test.",
)
@click.option("--quiet", is_flag=True, help="Print only the last lines.")
@click.option("--verbose", is_flag=True, help="Explain every failed check in full.")
@click.option(
    "--watch", "keeps_on", is_flag=True, help="Grade again when a file changes, what has failed first, until Ctrl-C."
)
@click.pass_obj
def command(
    nest: Nest | None,
    *,
    submission: Path,
    name: str | None,
    folder: Path | None,
    role: Role | None,
    wanted: Wanted,
    offline: bool,
    image: str,
    only: tuple[str, ...],
    seed: int | None,
    junitxml: Path | None,
    json_: str | None,
    html: Path | None,
    markdown: Path | None,
    formats: tuple[str, ...],
    pcap: Path | None,
    hidden: Path | None,
    audience: str,
    quiet: bool,
    verbose: bool,
    keeps_on: bool,
) -> int:
    """Grade SUBMISSION: a folder (this one, if it is left out), an archive, or one source file."""
    if name:
        name, folder = asked.located(name, folder)
    written = reports.wanted(formats, {"junit": junitxml, "json": json_, "html": html, "markdown": markdown})
    _must_fit(written, pcap, quiet=quiet, verbose=verbose, keeps_on=keeps_on)
    # From the system, so that nobody can know a run's inputs in advance.
    seed = seed or 1 + secrets.randbelow(MOST_SEED)
    if keeps_on:
        again = _Again(
            submission, name, folder, role, wanted, image, only, seed, hidden, Audience(audience), offline=offline
        )
        from grader.sandbox import fork_server  # noqa: PLC0415 — nothing that a single grading has to load

        with nullcontext() if wanted == "docker" else fork_server.kept():
            return watch(submission, again.grade, partial(_show, stderr=False, quiet=quiet, verbose=verbose))
    request = asked.request(name, folder, role, only, seed, hidden=hidden) if name else None
    taken = None
    try:
        taken = take(submission)
        named = taken.config.assignment if taken.config else None
        request = request or asked.request(named, folder, role, only, seed, hidden=hidden)
        plan = flow.plan(taken, request)
    except UsageError as error:
        # A wrong path is the caller's mistake; a submission that can't be used gets a grade.
        if request and not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            submitted = SubmissionInfo(name=name_of(submission), sha256=taken.sha256 if taken else "")
            report = _seen(
                flow.refuse(submitted, request, str(error), taken.notes if taken else ()), request, Audience(audience)
            )
            written.write(report)
        for note in taken.notes if taken else ():
            say(note, quiet=quiet)
        raise
    for note in plan.notes:
        say(note, quiet=quiet)
    needs = Needs(request.assignment, plan.families)
    rules = asked.rules_of(wanted, image, offline=offline)
    choice = choose(wanted, lambda words: say(words, quiet=quiet), rules, needs, nest)
    say(f"sandbox: {choice.kind} ({choice.why}){choice.caution}", quiet=quiet)
    with _progress(len(plan.playable), quiet=quiet) as listen:
        report = _seen(flow.carry_out(plan, choice.make, listen), request, Audience(audience))
    written.write(report)
    if pcap:
        captures.write(report, pcap)
    if not (written.printed and quiet):
        _show(report, stderr=bool(written.printed), quiet=quiet, verbose=verbose)
    _tell_untidy(choice)
    return results.exit_code(report)


def _must_fit(written: reports.Wanted, pcap: Path | None, *, quiet: bool, verbose: bool, keeps_on: bool) -> None:
    """Raise a UsageError before minutes are spent if options contradict each other or a file can't be written."""
    if quiet and verbose:
        raise UsageError("--quiet and --verbose contradict each other")
    if keeps_on and (written.files or written.printed or pcap):
        raise UsageError("--watch writes no files: write reports in a run without it")
    written.must_be_writable()
    if pcap:
        captures.must_be_usable(pcap)


@dataclass(frozen=True)
class _Again:
    """What was asked for, so that it can be done again."""

    submission: Path
    name: str | None
    folder: Path | None
    role: Role | None
    wanted: Wanted
    image: str
    only: tuple[str, ...]
    seed: int
    hidden: Path | None
    audience: Audience
    offline: bool

    def grade(self, only: tuple[str, ...], hear: Listener) -> Report:
        """Grade the submission as it is now.  `only`: fewer checks than were asked for; `hear`: told each result.

        Raises:
            GraderError: it can't be graded.
        """
        taken = take(self.submission)
        name = self.name or (taken.config.assignment if taken.config else None)
        request = asked.request(name, self.folder, self.role, only or self.only, self.seed, hidden=self.hidden)
        plan = flow.plan(taken, request)
        needs = Needs(request.assignment, plan.families)
        choice = choose(self.wanted, _say_nothing, asked.rules_of(self.wanted, self.image, offline=self.offline), needs)
        with _progress(len(plan.playable), quiet=False) as listen:

            def both(word: Word) -> None:
                listen(word)
                hear(word)

            return _seen(flow.carry_out(plan, choice.make, both), request, self.audience)


def _say_nothing(_: str) -> None:
    """What there is to say about the sandbox is the same each time."""


def _seen(report: Report, request: flow.Request, audience: Audience) -> Report:
    """The report for those that it is for."""
    if audience == Audience.INSTRUCTOR:
        return report
    return for_student(report, request.assignment.visibility, datetime.now(UTC))


def _tell_untidy(choice: Choice) -> None:
    """Report what could not be tidied up, after everything else."""
    for words in choice.complaints:
        say(words)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Listener]:
    """Show the driver's progress as a moving line on a terminal; nothing elsewhere."""
    done = 0
    with status("building …", quiet=quiet) as update:

        def listen(word: Word) -> None:
            nonlocal done
            if isinstance(word, Built):
                # While the driver works and this process only waits.
                importlib.import_module("grader.report.console")
            done += isinstance(word, Checked)
            update(f"{done} of {total} checks …")

        yield listen


def _show(report: Report, *, stderr: bool, quiet: bool, verbose: bool) -> None:
    from grader.report.console import show  # noqa: PLC0415 — loaded while the driver works

    with reader_may_leave():
        show(report, console(stderr=stderr), quiet=quiet, verbose=verbose)
