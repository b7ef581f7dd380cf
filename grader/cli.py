"""The command: arguments in, exit code out.  The only module that exits.

Results go to standard output and everything else to stderr, with a moving line only if that is a terminal.  Most of it
contains names and text from other people: everything but the reports, which see to it themselves, goes through
`_print`, so that nothing in it acts as a command to a terminal or a CI system.  Each command imports what it needs when
it runs, so that none waits for another's libraries.
"""

from __future__ import annotations

import difflib
import importlib
import io
import os
import secrets
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from grader import assignment as assignments
from grader.assignment import Assignment
from grader.errors import NOT_JUDGED, GraderError, UsageError
from grader.families import FAMILIES
from grader.limits import MOST_SEED
from grader.model import SECTIONS, Role, SubmissionInfo, parts_of
from grader.report import safe
from grader.sandbox.choose import Choice, Needs, Rules, Wanted, choose, contents_of
from grader.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from grader import flow
    from grader.flow import Listener
    from grader.job import Word
    from grader.model import Graded, Report
    from grader.sandbox.begun import Nest

_ASSIGNMENTS = click.option(
    "--assignments", "folder", type=click.Path(path_type=Path), metavar="DIR", help="A folder with more assignments."
)
_SANDBOX = click.option(
    "--sandbox",
    "wanted",
    type=click.Choice(["auto", "docker", "local"]),
    default="auto",
    show_default=True,
    help="Where the program runs: in containers, or in namespaces on this machine.",
)
_OFFLINE = click.option("--offline", is_flag=True, help="Don't build or fetch images; exit with 3 if one is missing.")
_IMAGE = click.option(
    "--image", default="", metavar="NAME", help="Run the programs in this image of yours (docker only)."
)
_SEEDS = click.IntRange(1, MOST_SEED)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="grader")
def grader() -> None:
    """Grade socket programs: run them in a sandbox, test them with awkward peers, explain every verdict.

    Exit codes: 0 every check passed, 1 a check failed, 2 wrong usage or unusable input, 3 some points could not be
    judged.
    """


def main(nest: Nest | None = None) -> None:
    """Run the command and exit.  `nest`: a local sandbox that has been started already, to be used if one is wanted."""
    try:
        code = grader.main(standalone_mode=False, obj=nest)
    except click.ClickException as error:
        error.show(words := io.StringIO())
        _print(words.getvalue().rstrip("\n"), err=True)
        code = 2
    except GraderError as error:
        _complain(str(error))
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        code = NOT_JUDGED
    except Exception as error:  # noqa: BLE001 — whatever it is, it is not a verdict
        if os.environ.get("GRADER_TRACEBACK"):
            _print(traceback.format_exc(), err=True)
        _complain(f"internal error: {error!r} (set GRADER_TRACEBACK=1 to see where)")
        code = NOT_JUDGED
    sys.exit(code if isinstance(code, int) else 0)


def _print(words: str, *, err: bool = False) -> None:
    """Print lines that may contain names and text from other people."""
    click.echo(safe.printed(words), err=err)


def _complain(words: str) -> None:
    """Print a sentence to stderr; what is meant to be pasted somewhere gets its own line."""
    sentence, _, line = words.partition(":\n")
    _say(f"grader: {sentence}:" if line else f"grader: {words}")
    if line:
        _say(line)


@grader.command()
@click.argument("submission", type=click.Path(path_type=Path))
@click.option("--assignment", "name", metavar="NAME", help="Which assignment it is (or say so in grader.toml).")
@_ASSIGNMENTS
@click.option("--role", type=click.Choice(["server", "client"]), help="Grade only this program.")
@_SANDBOX
@_OFFLINE
@_IMAGE
@click.option(
    "--only", multiple=True, metavar="CHECK", help="Run only this check and what it depends on; may be repeated."
)
@click.option("--seed", type=_SEEDS, metavar="N", help="Use the inputs of the run that reported this seed.")
@click.option("--junitxml", type=click.Path(path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--json", "json_", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as an HTML page.")
@click.option("--quiet", is_flag=True, help="Print only the last lines.")
@click.option("--verbose", is_flag=True, help="Explain every failed check in full.")
@click.pass_obj
def check(
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
    quiet: bool,
    verbose: bool,
) -> int:
    """Grade SUBMISSION: a folder, an archive, or one source file."""
    from grader import flow, results  # noqa: PLC0415
    from grader.submission import name_of, take  # noqa: PLC0415

    if quiet and verbose:
        raise UsageError("--quiet and --verbose contradict each other")
    files = {"junitxml": junitxml, "json": Path(json_) if json_ not in {None, "-"} else None, "html": html}
    wanted_files = {kind: path for kind, path in files.items() if path is not None}
    _must_be_writable(wanted_files.values())
    # From the system, so that nobody can know a run's inputs in advance.
    seed = seed or 1 + secrets.randbelow(MOST_SEED)
    request = _request(name, folder, role, only, seed) if name else None
    taken = None
    try:
        taken = take(submission)
        request = request or _request(taken.config.assignment if taken.config else None, folder, role, only, seed)
        plan = flow.plan(taken, request)
    except UsageError as error:
        # A wrong path is the caller's mistake; a submission that can't be used gets a grade.
        if request and not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            submitted = SubmissionInfo(name=name_of(submission), sha256=taken.sha256 if taken else "")
            report = flow.refuse(submitted, request, str(error), taken.notes if taken else ())
            _write_reports(report, wanted_files, to_stdout=json_ == "-")
        for note in taken.notes if taken else ():
            _say(note, quiet=quiet)
        raise
    for note in plan.notes:
        _say(note, quiet=quiet)
    needs = Needs(request.assignment, plan.families)
    rules = _rules(wanted, image, offline=offline)
    choice = choose(wanted, lambda words: _say(words, quiet=quiet), rules, needs, nest)
    _say(f"sandbox: {choice.kind} ({choice.why}){choice.caution}", quiet=quiet)
    with _progress(len(plan.playable), quiet=quiet) as listen:
        report = flow.carry_out(plan, choice.make, listen)
    _write_reports(report, wanted_files, to_stdout=json_ == "-")
    if not (json_ == "-" and quiet):
        _show(report, stderr=json_ == "-", quiet=quiet, verbose=verbose)
    _tell_untidy(choice)
    return results.exit_code(report)


def _rules(wanted: Wanted, image: str, *, offline: bool) -> Rules:
    """What the options say about images (UsageError: they make no sense together)."""
    if image and wanted == "local":
        raise UsageError("--image works only with docker: --sandbox local uses no image")
    return Rules(offline=offline, image=image)


def _tell_untidy(choice: Choice) -> None:
    """Report what could not be tidied up, after everything else."""
    for words in choice.complaints:
        _say(words)


def _must_be_writable(paths: Iterable[Path]) -> None:
    """Before minutes are spent: a report that can't be written is a usage error now."""
    from grader.report import must_be_writable  # noqa: PLC0415

    for path in paths:
        must_be_writable(path)


def _request(
    name: str | None, folder: Path | None, role: Role | None, only: tuple[str, ...], seed: int
) -> flow.Request:
    """What to grade (UsageError: something that was asked for doesn't exist)."""
    from grader import flow  # noqa: PLC0415

    asked = _assignment(name, folder)
    roles = _roles_in(asked, role)
    return flow.Request(asked, seed, roles, _chosen(asked, roles, only))


def _assignment(name: str | None, folder: Path | None) -> Assignment:
    if folder is not None and not folder.is_dir():
        message = f"there is no folder {folder}"
        raise UsageError(message)
    if not name:
        known = ", ".join(assignments.names(folder)) or "none"
        message = f"which assignment is it? Name it with --assignment or in grader.toml; known: {known}"
        raise UsageError(message)
    return assignments.load(name, folder)


def _roles_in(asked: Assignment, role: Role | None) -> tuple[Role, ...]:
    if role is not None and role not in asked.roles:
        message = f"{asked.name} does not ask for a {role}"
        raise UsageError(message)
    return (role,) if role else asked.roles


def _chosen(asked: Assignment, roles: tuple[Role, ...], only: tuple[str, ...]) -> frozenset[str] | None:
    """Ids of the checks asked for; a name without a role means those of every role that has it.  None for all."""
    if not only:
        return None
    named: dict[str, set[str]] = {}
    for spec in asked.checks:
        if spec.part in parts_of(roles):
            for name in (spec.id, spec.id.partition(".")[2]):
                named.setdefault(name, set()).add(spec.id)
    for check in only:
        if check not in named:
            close = difflib.get_close_matches(check, named, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; see: grader list {asked.name}"
            whose = f"{asked.name} (--role {roles[0]})" if roles != asked.roles else asked.name
            message = f"{whose} has no check {check!r}{hint}"
            raise UsageError(message)
    return frozenset().union(*(named[check] for check in only))


def _say(words: str, *, quiet: bool = False) -> None:
    """Print one line to stderr, even if a name in it contains line breaks."""
    if not quiet:
        _print(words.replace("\n", r"\n"), err=True)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Rich would exit with 1, which means that a check failed."""
            raise BrokenPipeError

    return Ours(stderr=stderr)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Listener]:
    """Show the driver's progress as a moving line on a terminal; nothing elsewhere."""
    from grader.job import Built, Checked  # noqa: PLC0415

    done = 0
    with _status("building …", quiet=quiet) as update:

        def listen(word: Word) -> None:
            nonlocal done
            if isinstance(word, Built):
                # While the driver works and this process only waits.
                importlib.import_module("grader.report.console")
            done += isinstance(word, Checked)
            update(f"{done} of {total} checks …")

        yield listen


@contextmanager
def _status(words: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line on stderr that can be updated, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.text import Text  # noqa: PLC0415

    with _console(stderr=True).status(words) as status:
        yield lambda words: status.update(Text(safe.one_line(words)))


def _write_reports(report: Report, files: dict[str, Path], *, to_stdout: bool) -> None:
    """Write the files that were asked for, and JSON to standard output if it was."""
    from grader.report import render, transcripts, write  # noqa: PLC0415

    for kind, path in files.items():
        write(path, render(kind, report))
    if "json" in files:
        _write_transcripts(report, transcripts.beside(files["json"]))
    if to_stdout:
        with _reader_may_leave():
            sys.stdout.buffer.write(render("json", report))
            sys.stdout.flush()


def _write_transcripts(report: Report, path: Path) -> None:
    """Write the file of what is too long for the JSON report, or remove an earlier run's."""
    from grader.report import transcripts, write  # noqa: PLC0415

    content = transcripts.render(report)
    if content is not None:
        write(path, content)
    elif path.is_file():
        path.unlink()


def _show(report: Report, *, stderr: bool, quiet: bool, verbose: bool) -> None:
    from grader.report.console import show  # noqa: PLC0415

    with _reader_may_leave():
        show(report, _console(stderr=stderr), quiet=quiet, verbose=verbose)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """A reader that has seen enough (`| head`) doesn't change the exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@grader.command("list")
@click.argument("name", required=False, metavar="[ASSIGNMENT]")
@_ASSIGNMENTS
def list_(name: str | None, folder: Path | None) -> None:
    """List the assignments, or one assignment's checks."""
    from grader import flow  # noqa: PLC0415
    from grader.report import text  # noqa: PLC0415

    if name is None:
        for known in assignments.names(folder):
            _print(f"{known}  {assignments.load(known, folder).title}")
        return
    asked = assignments.load(name, folder)
    titles = flow.titles(asked)
    total = sum(spec.points for spec in asked.checks)
    _print(f"{asked.name}: {asked.title}, {len(asked.checks)} checks, {total:g} points\n")
    for part in parts_of(asked.roles):
        specs = [spec for spec in asked.checks if spec.part == part]
        if specs and len(asked.roles) > 1:
            worth = text.plural_points(sum(spec.points for spec in specs))
            _print(f"{SECTIONS[part]}: {text.plural(len(specs), 'check')}, {worth}\n")
        for spec in specs:
            _print(f"{spec.points:>4g}  {spec.id}\n      {titles[spec.id]}")
            _print(f"      {spec.requirement} {asked.requirements[spec.requirement].text}\n")


@grader.command()
@click.argument("name", metavar="ASSIGNMENT")
@_ASSIGNMENTS
def lint(name: str, folder: Path | None) -> Literal[0, 2]:
    """Report every mistake in an assignment's folder, with file and line."""
    from grader.lint import flaws  # noqa: PLC0415

    found = flaws(assignments.folder_of(name, folder), folder)
    for flaw in found:
        _print(str(flaw))
    if not found:
        _print(f"{name}: no mistakes found")
    return 2 if found else 0


@grader.command()
def doctor() -> int:
    """Show what this machine can do, and what to do about the rest."""
    from grader.doctor import examine  # noqa: PLC0415

    findings = examine()
    for finding in findings:
        _print(f"{'ok  ' if finding.good else 'no  '}{finding.what}: {finding.found}")
        for words in (finding.cost and not finding.good and f"Without it: {finding.cost}", finding.advice):
            if words:
                _print(f"      {words}")
    able = [kind for kind in ("docker", "local") if all(f.good for f in findings if kind in f.needed_by)]
    _print(f"\nsandboxes that work here: {', '.join(able) or 'none'}")
    return 0 if able else 3


@grader.command()
def clean() -> None:
    """Remove what a killed run left behind (normally nothing), and images of other versions of the grader."""
    from grader.sandbox import engine  # noqa: PLC0415
    from grader.sandbox.images import Images  # noqa: PLC0415

    client = engine.connect()
    removed = [*engine.remove_orphans(client), *Images(client, _say).remove_old()]
    for name in removed:
        _print(f"removed {name}")
    if not removed:
        _print("nothing was left behind")


@grader.group()
def image() -> None:
    """The images of the docker sandbox."""


@image.command("build")
@click.option(
    "--family", "names", type=click.Choice([*FAMILIES]), multiple=True, help="One image for all of these languages."
)
@click.option("--all", "everything", is_flag=True, help="One image for each family of languages.")
@click.option("--assignment", "name", metavar="NAME", help="With the libraries that this assignment allows.")
@_ASSIGNMENTS
@_IMAGE
@click.option("--base", metavar="IMAGE", help="Base images on this one (a Debian) from now on.")
@click.option("--network", default="host", show_default=True, help="The network to fetch packages over.")
def image_build(
    *,
    names: tuple[str, ...],
    everything: bool,
    name: str | None,
    folder: Path | None,
    image: str,
    base: str | None,
    network: str,
) -> None:
    """Build the image for Python and C, and those you ask for, before a submission needs them."""
    from grader.sandbox import engine  # noqa: PLC0415
    from grader.sandbox.images import Images  # noqa: PLC0415

    asked = _assignment(name, folder) if name else None
    hear = lambda words: click.echo(words, nl=False, err=True)  # noqa: E731
    images = Images(engine.connect(), _say, network=network, hear=hear)
    if base is not None:
        images.choose_base(base)
    each = [frozenset({family.name}) for family in FAMILIES.values() if family.packages] if everything else []
    for wanted in (*each, frozenset(names)):
        contents = contents_of(asked, wanted, image)
        supplied = images.supply(contents)
        _print(f"built {supplied['sandbox'].names[0]} for {contents.words}: {supplied['sandbox'].size_bytes >> 20} MiB")


def _has(choice: Choice) -> Callable[[str], bool]:
    """Whether a sandbox has a command other than those of Python and C; with docker, an image with it is built."""
    return lambda command: choice.kind == "docker" or shutil.which(command) is not None


@grader.command()
@click.argument("name", metavar="ASSIGNMENT")
@_ASSIGNMENTS
@_SANDBOX
@_OFFLINE
@click.option(
    "--rounds", type=click.IntRange(min=1), default=1, show_default=True, help="How often to grade each program."
)
@click.option("--program", "programs", multiple=True, help="Only this one, such as broken/no_loop.py; may be repeated.")
@click.option("--role", type=click.Choice(["server", "client", "both"]), help="Only programs for this role.")
@click.option(
    "--only", multiple=True, metavar="CHECK", help="Run only this check and what it depends on; may be repeated."
)
@click.option(
    "--seed",
    type=_SEEDS,
    default=1,
    show_default=True,
    help="Seed of the first round's inputs; it goes up by one each round.",
)
def verify(
    *,
    name: str,
    folder: Path | None,
    wanted: Wanted,
    offline: bool,
    rounds: int,
    programs: tuple[str, ...],
    role: Graded | None,
    only: tuple[str, ...],
    seed: int,
) -> Literal[0, 1]:
    """Prove an assignment: every reference program must get the verdicts recorded for it.

    The local sandbox leaves out programs in languages that this machine has no tools for.
    """
    from grader import flow, verify as proof  # noqa: I001, PLC0415
    from grader.verify.matrix import matrix  # noqa: PLC0415

    asked = assignments.load(name, folder)
    choice: Choice = choose(wanted, _say, Rules(offline=offline), Needs(asked))
    _say(f"sandbox: {choice.kind} ({choice.why})")
    _say(f"seed: {seed}" if rounds == 1 else f"seeds: {seed} to {seed + rounds - 1}, a different one each round")
    request = flow.Request(asked, seed, only=_chosen(asked, asked.roles, only))
    trials = []
    with _status("…") as listen:
        for trial in proof.trials(
            request, choice.make, rounds=rounds, programs=programs, role=role, listen=listen, has=_has(choice)
        ):
            trials.append(trial)
            for flip in trial.flips:
                _print(f"FLIP round {trial.round} (seed {seed + trial.round - 1}) {trial.program}: {flip}")
    verdicts = proof.load_verdicts(proof.reference_folder(asked), asked)
    _print(matrix(asked, verdicts, trials))
    lacking = proof.unproved(asked, verdicts)
    for check_id in lacking:
        _print(f"no broken program fails {check_id}")
    return 1 if lacking or any(trial.flips for trial in trials) else 0
