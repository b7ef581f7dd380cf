"""`grader doctor`: what this machine can do."""

from __future__ import annotations

import click

from grader.cli.say import show
from grader.doctor import examine

_EXAMPLES = """\b
Examples:
  grader doctor
"""


@click.command("doctor", epilog=_EXAMPLES)
def command() -> int:
    """Show what this machine can do, and what to do about the rest."""
    findings = examine()
    for finding in findings:
        show(f"{'ok  ' if finding.good else 'no  '}{finding.what}: {finding.found}")
        for words in (finding.cost and not finding.good and f"Without it: {finding.cost}", finding.advice):
            if words:
                show(f"      {words}")
    able = [kind for kind in ("docker", "local") if all(f.good for f in findings if kind in f.needed_by)]
    show(f"\nsandboxes that work here: {', '.join(able) or 'none'}")
    return 0 if able else 3
