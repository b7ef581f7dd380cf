"""`grader class`: a whole class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from grader.class_ import machine, whole, work
from grader.class_.cluster import must_be_safe, of_a_cluster
from grader.class_.collect import collect
from grader.class_.crew import of_this_machine
from grader.class_.layouts import NAMES
from grader.class_.model import Row
from grader.class_.roster import load
from grader.class_.run import Crew, Event, TriedAgain, Untidy
from grader.cli import asked
from grader.cli.complete import assignment_names
from grader.cli.say import bar, say
from grader.cli.told import GRADEBOOK, WORDS, books_of, exit_code, tell
from grader.errors import CannotJudgeError
from grader.model import Role
from grader.report.text import number, plural, plural_points
from grader.sandbox.choose import Needs, Wanted

_EXAMPLES = """\b
Examples:
  grader class submissions.zip --assignment tcp_uppercase --out results/ --roster roster.csv
  grader class submissions/ --assignment tcp_uppercase --out results/ --again unjudged
  grader class submissions/ --assignment tcp_uppercase --out results/ --gradebook canvas=Grades.csv
"""


@click.command("class", epilog=_EXAMPLES)
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option(
    "--assignment",
    "name",
    required=True,
    metavar="NAME",
    shell_complete=assignment_names,
    help="Which assignment it is.",
)
@asked.ASSIGNMENTS
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the results go.")
@click.option("--layout", type=click.Choice(NAMES), default="auto", show_default=True, help="How they are named.")
@click.option(
    "--roster", type=click.Path(path_type=Path), metavar="FILE", help="Who is in the class: a platform's CSV."
)
@GRADEBOOK
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="How many to grade at a time; else as this machine allows."
)
@click.option("--scheduler", metavar="ADDRESS", help="Grade on the Dask cluster at this address (tls://host:port).")
@asked.ROLE
@click.option(
    "--sandbox",
    "wanted",
    type=click.Choice(["docker", "local"]),
    default="docker",
    show_default=True,
    help="Where programs run; local does not protect this machine from them.",
)
@asked.OFFLINE
@asked.IMAGE
@asked.ONLY
@asked.HIDDEN
@click.option(
    "--again",
    type=click.Choice(["unjudged", "failed", "changed", "all"]),
    help="Whom to grade again although their result is kept; changed: nobody but those who handed in something else.",
)
@click.option("--seed", type=asked.SEEDS, metavar="N", help="Everybody's inputs; else one is drawn and kept.")
@click.option("--quiet", is_flag=True, help="No line for each student.")
def command(
    *,
    submissions: Path,
    name: str,
    folder: Path | None,
    out: Path,
    layout: str,
    roster: Path | None,
    gradebook: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    role: Role | None,
    wanted: Wanted,
    offline: bool,
    image: str,
    only: tuple[str, ...],
    hidden: Path | None,
    again: whole.Again | None,
    seed: int | None,
    quiet: bool,
) -> int:
    """Grade a class whose SUBMISSIONS are a platform's export, or a folder or archive for each student.

    Results are kept: the same command goes on where it was interrupted, and grades only what has changed.

    Exit codes: 0 everybody is graded, 2 wrong usage, 3 some points could not be judged.
    """
    name, folder = asked.located(name, folder)
    request = asked.request(name, folder, role, only, seed or 1, hidden=hidden)
    asked.rules_of(wanted, image, offline=offline)
    if scheduler is not None:
        must_be_safe(scheduler)
    people = load(roster) if roster is not None else None
    for note in people.notes if people else ():
        say(note, quiet=quiet)
    collected = collect(submissions, layout, people)
    books = books_of(gradebook, request.assignment.title, request.assignment.name)
    wishes = whole.Asked(collected, request, out, seed, again, books)
    place = work.Place(wanted, image=image, offline=offline)

    @contextmanager
    def crew() -> Iterator[Crew]:
        if scheduler is not None:
            with of_a_cluster(scheduler, request.assignment, place, jobs) as made:
                say(f"sandbox: {wanted}, on {scheduler}; {plural(made.jobs, 'grading')} at a time", quiet=quiet)
                yield made
            return
        choice = place.choice(Needs(request.assignment), lambda words: say(words, quiet=quiet))
        at_a_time = jobs or machine.jobs()
        say(f"sandbox: {choice.kind}{choice.caution}; {plural(at_a_time, 'grading')} at a time", quiet=quiet)
        with of_this_machine(request.assignment, place, choice, at_a_time) as made:
            yield made

    count = len(collected.hand_ins)
    say(f"{plural(count, 'hand-in')}, layout {collected.layout}", quiet=quiet)
    with _progress(count, quiet=quiet) as listen:
        try:
            done = whole.grade(wishes, crew, listen)
        except (KeyboardInterrupt, CannotJudgeError):
            say(f"what was graded is kept in {out}: {_how_to_go_on(again)}")
            raise
    tell(done, out)
    return exit_code(done.graded)


def _how_to_go_on(again: str | None) -> str:
    same = "run the same command again" if again is None else "run the same command without --again"
    return f"to go on, {same}"


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A line for each finished student, and at a terminal a bar below them; those that were kept are only counted."""
    done = kept = 0
    with bar(total, quiet=quiet) as advance:

        def listen(event: Event) -> None:
            nonlocal done, kept
            if isinstance(event, TriedAgain):
                say(f"trying {plural(event.count, 'submission')} once more, one by one …", quiet=quiet)
                return
            if isinstance(event, Untidy):
                say(event.words)
                return
            done += 1
            kept += event.was_kept
            if not event.was_kept:
                say(f"[{done}/{total}] {_line(event.rows)}", quiet=quiet)
            advance()

        yield listen
    if kept:
        say(f"kept from earlier: {plural(kept, 'result')}", quiet=quiet)


def _line(rows: tuple[Row, ...]) -> str:
    row, who = rows[0], ", ".join(row.student.name or row.student.key for row in rows)
    if row.result is None:
        return f"{who}: {WORDS[row.state]}"
    result = row.result
    more = f", {number(result.unjudged)} more not judged" if result.unjudged else ""
    score = f"{number(result.score)} of {plural_points(result.max_score)}{more}"
    return f"{who}: {score} ({WORDS[row.state]}, {result.duration_s:.1f} s)"
