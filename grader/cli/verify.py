"""`grader verify`: an assignment proved by its reference programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

import click

from grader import assignment as assignments
from grader import flow
from grader import verify as proof
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import say, show, status
from grader.errors import UsageError
from grader.model import Graded
from grader.sandbox.choose import Choice, Needs, Rules, Wanted, choose
from grader.verify.matrix import matrix


def _has(choice: Choice) -> Callable[[str], bool]:
    """Whether a sandbox has a command other than those of Python and C; with docker, an image with it is built."""
    return lambda command: choice.kind == "docker" or shutil.which(command) is not None


class _Asked(NamedTuple):
    """What is asked of every assignment alike."""

    choice: Callable[[assignments.Assignment], Choice]
    rounds: int
    programs: tuple[str, ...]
    role: Graded | None
    only: tuple[str, ...]
    seed: int
    jobs: int
    quick: bool


_EXAMPLES = """\b
Examples:
  grader verify ./my_assignment
  grader verify tcp_uppercase --only coalesced --jobs 2
  grader verify tcp_uppercase --quick --role server
  grader verify tcp_uppercase --show forgets_reuseaddr
"""


@click.command("verify", epilog=_EXAMPLES)
@click.argument("name", required=False, metavar="[ASSIGNMENT]", shell_complete=assignment_names)
@asked.ASSIGNMENTS
@click.option("--all", "everything", is_flag=True, help="Every assignment that has reference programs.")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the reference programs are: a folder with verdicts.toml, or with one of the assignment's name.",
)
@click.option("--show", "mutant", metavar="MUTANT", help="Only show what this mutant changes in its right program.")
@asked.SANDBOX
@asked.OFFLINE
@click.option(
    "--rounds", type=click.IntRange(min=1), default=1, show_default=True, help="How often to grade each program."
)
@click.option("--program", "programs", multiple=True, help="Only this one, such as broken/no_loop.py; may be repeated.")
@click.option("--role", type=click.Choice(["server", "client", "both"]), help="Only programs for this role.")
@asked.ONLY
@click.option(
    "--quick",
    is_flag=True,
    help="Grade each wrong program only by the checks that it must fail, and by those that they depend on.",
)
@click.option(
    "--seed",
    type=asked.SEEDS,
    default=1,
    show_default=True,
    help="Seed of the first round's inputs; it goes up by one each round.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many programs to grade at a time."
)
def command(
    *,
    name: str | None,
    folder: Path | None,
    everything: bool,
    reference: Path | None,
    mutant: str | None,
    wanted: Wanted,
    offline: bool,
    rounds: int,
    programs: tuple[str, ...],
    role: Graded | None,
    only: tuple[str, ...],
    quick: bool,
    seed: int,
    jobs: int,
) -> Literal[0, 1]:
    """Prove an assignment: every reference program must get the verdicts recorded for it.

    The reference programs are in the folder `reference` of the assignment's own, or where --reference says.  The local
    sandbox leaves out programs in languages that this machine has no tools for.
    """
    if everything == bool(name):
        raise UsageError("name one assignment, or ask for --all")
    if mutant and everything:
        raise UsageError("--show needs the name of an assignment")
    told = _Asked(
        lambda assignment: choose(wanted, say, Rules(offline=offline), Needs(assignment)),
        rounds,
        programs,
        role,
        only,
        seed,
        jobs,
        quick,
    )
    if name is None:
        failed = [each for each in assignments.names(folder) if not _all_agree(each, folder, reference, told)]
        return 1 if failed else 0
    name, folder = asked.located(name, folder)
    if mutant:
        for line in _references(assignments.load(name, folder), name, folder, reference).difference(mutant):
            show(line)
        return 0
    return 0 if _agree(name, folder, reference, told) else 1


def _references(
    assignment: assignments.Assignment, name: str, folder: Path | None, given: Path | None
) -> proof.References:
    place = proof.reference_folder(assignment, assignments.folder_of(name, folder), given)
    return proof.load_references(place, assignment)


def _all_agree(name: str, folder: Path | None, given: Path | None, told: _Asked) -> bool:
    """As `_agree`, for one of all: those without reference programs are left out, and that is said."""
    show(f"{name}\n")
    try:
        proof.reference_folder(assignments.load(name, folder), assignments.folder_of(name, folder), given)
    except UsageError as error:
        show(f"{name} is left out: {error}\n")
        return True
    agree = _agree(name, folder, given, told)
    show("")
    return agree


def _agree(name: str, folder: Path | None, given: Path | None, told: _Asked) -> bool:
    """Whether every program got its verdict and every check of the assignment's own is proved."""
    assignment = assignments.load(name, folder)
    references = _references(assignment, name, folder, given)
    choice = told.choice(assignment)
    last = told.seed + told.rounds - 1
    say(f"sandbox: {choice.kind} ({choice.why})")
    say(f"seed: {told.seed}" if told.rounds == 1 else f"seeds: {told.seed} to {last}, a different one each round")
    only = asked.chosen_in(assignment, assignment.roles, told.only)
    request = flow.Request(assignment, told.seed, only=only, second_look=False)
    tried = []
    with closing(choice), status("…") as listen:
        choice.keep()
        for trial in proof.trials(
            references,
            request,
            choice.make,
            rounds=told.rounds,
            programs=told.programs,
            role=told.role,
            listen=listen,
            has=_has(choice),
            jobs=told.jobs,
            quick=told.quick,
        ):
            tried.append(trial)
            for flip in trial.flips:
                fault = references.verdicts[trial.program].fault
                which = f"{trial.program}{f' ({fault})' if fault else ''}"
                show(f"FLIP round {trial.round} (seed {told.seed + trial.round - 1}) {which}: {flip}")
    show(matrix(assignment, references.verdicts, tried))
    inherited = {spec.id for older in assignment.extends for spec in assignments.load(older, folder).checks}
    lacking = proof.unproved(assignment, references.verdicts, inherited)
    for check_id in lacking:
        show(f"no wrong program fails {check_id}, a check of this assignment's own: add a mutant that does")
    return not lacking and not any(trial.flips for trial in tried)
