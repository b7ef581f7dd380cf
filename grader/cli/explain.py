"""`grader explain`: what a check does and proves, and the mistake that it finds."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from grader import assignment as assignments
from grader import explain, flow
from grader.catalogue.mistakes import LANGUAGES, Language
from grader.cli import asked
from grader.cli.say import show
from grader.errors import UsageError


def _ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers: the checks of the catalogue, with their titles."""
    titles = {one.id: one.title for one in explain.explanations()}
    return [CompletionItem(each, help=title) for each, title in titles.items() if each.startswith(incomplete)]


_EXAMPLES = """\b
Examples:
  grader explain server.fragments_every_byte
  grader explain coalesced --language c
"""


@click.command("explain", epilog=_EXAMPLES)
@click.argument("name", metavar="CHECK", shell_complete=_ids)
@click.option("--language", type=click.Choice([*LANGUAGES]), help="Show code in this language only.")
@asked.ASSIGNMENTS
def command(name: str, language: Language | None, folder: Path | None) -> None:
    """Explain CHECK: what it does, what it proves, and the classic mistake, as code.

    CHECK is what reports and `grader list` call it; `server.` and the like may be left out.
    """
    every = explain.explanations()
    found = [one for one in every if name in {one.id, one.id.partition(".")[2]}]
    if found:
        languages = (language,) if language else (*LANGUAGES,)
        show("\n\n\n".join(explain.as_text(one, languages) for one in found))
        return
    own = [*_of_assignments(name, folder)]
    if not own:
        meant = asked.closest(name, [one.id for one in every])
        raise UsageError(f"there is no check {name!r}{f': did you mean {meant}?' if meant else ''}")
    show("\n\n".join(own))


def _of_assignments(name: str, folder: Path | None) -> list[str]:
    """What there is to say about checks that only assignments have: their titles and requirements."""
    found = []
    for known in assignments.names(folder):
        wanted = assignments.load(known, folder)
        for spec in wanted.checks:
            if name in {spec.id, spec.id.partition(".")[2]} and spec.visibility != "hidden":
                requirement = wanted.requirements[spec.requirement]
                title = flow.titles(wanted)[spec.id]
                words = f"a check of {wanted.name} alone; its handout has the rest"
                found.append(f"{title}  ({spec.id}, {words})\n\n{requirement.number} {requirement.text}")
    return found
