"""`grader verify`: an assignment proved by its reference programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from grader import assignment as assignments
from grader import flow
from grader import verify as proof
from grader.cli import asked
from grader.cli.say import say, show, status
from grader.model import Graded
from grader.sandbox.choose import Choice, Needs, Rules, Wanted, choose
from grader.verify.matrix import matrix


def _has(choice: Choice) -> Callable[[str], bool]:
    """Whether a sandbox has a command other than those of Python and C; with docker, an image with it is built."""
    return lambda command: choice.kind == "docker" or shutil.which(command) is not None


@click.command("verify")
@click.argument("name", metavar="ASSIGNMENT")
@asked.ASSIGNMENTS
@asked.SANDBOX
@asked.OFFLINE
@click.option(
    "--rounds", type=click.IntRange(min=1), default=1, show_default=True, help="How often to grade each program."
)
@click.option("--program", "programs", multiple=True, help="Only this one, such as broken/no_loop.py; may be repeated.")
@click.option("--role", type=click.Choice(["server", "client", "both"]), help="Only programs for this role.")
@asked.ONLY
@click.option(
    "--seed",
    type=asked.SEEDS,
    default=1,
    show_default=True,
    help="Seed of the first round's inputs; it goes up by one each round.",
)
def command(
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
    assignment = assignments.load(name, folder)
    choice: Choice = choose(wanted, say, Rules(offline=offline), Needs(assignment))
    say(f"sandbox: {choice.kind} ({choice.why})")
    say(f"seed: {seed}" if rounds == 1 else f"seeds: {seed} to {seed + rounds - 1}, a different one each round")
    request = flow.Request(assignment, seed, only=asked.chosen_in(assignment, assignment.roles, only))
    trials = []
    with status("…") as listen:
        for trial in proof.trials(
            request, choice.make, rounds=rounds, programs=programs, role=role, listen=listen, has=_has(choice)
        ):
            trials.append(trial)
            for flip in trial.flips:
                show(f"FLIP round {trial.round} (seed {seed + trial.round - 1}) {trial.program}: {flip}")
    verdicts = proof.load_verdicts(proof.reference_folder(assignment), assignment)
    show(matrix(assignment, verdicts, trials))
    lacking = proof.unproved(assignment, verdicts)
    for check_id in lacking:
        show(f"no broken program fails {check_id}")
    return 1 if lacking or any(trial.flips for trial in trials) else 0
