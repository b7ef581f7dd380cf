"""The words that all reports share.

Values in, plain lines out: the name of an outcome, why a check ended as it did, what happened when, what the student
should do next.  Nothing here knows about formats, colours or widths.  Every line that leaves this file is visible in
the sense of `safe.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from typing import Final, NamedTuple

from grader.catalogue.mistakes import behind
from grader.errors import REASONS, Reason
from grader.model import (
    PARTS,
    SECTIONS,
    UNJUDGED,
    CheckResult,
    Graded,
    Outcome,
    Report,
    SourceLine,
    judged,
)
from grader.report.build_log import fault_place, first_fault
from grader.report.safe import lines, one_line

#: The name of an outcome.
OUTCOMES: Final[dict[Outcome, str]] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.INCONCLUSIVE: "could not be judged",
    Outcome.ERROR: "not judged (not the program's fault)",
}

#: Which programs a report is about.
ROLES: Final[dict[Graded, str]] = {"server": "server", "client": "client", "both": "server and client"}

#: What to do about a check that could not be judged, by its reason; `UNJUDGED_ADVICE` for all others.
ADVICE: Final[dict[Reason, str]] = {
    Reason.STARVED: "the machine was too busy: close other programs and run the same command again",
    Reason.UNPROVED: "run the same command again; `grader doctor` shows what this machine cannot do",
    Reason.TOOL_MISSING: "install what is missing: the message says what it is and how to get it",
    Reason.TIME_BUDGET: "run the remaining checks by name, with --only",
    Reason.ASSIGNMENT_ERROR: "show this report to your instructor: the assignment needs fixing",
}
UNJUDGED_ADVICE: Final = "run the same command again; if that does not help, show this report to your instructor"

#: A message's line about what the program was sent, or what it means in words.
_TELLS_WHAT_WAS_SENT: Final = re.compile(r"^(?:[\w ]+ sent\b.*|in words, \w+): ")
#: A warning of gcc, clang or javac, with its place.
_WARNING: Final = re.compile(r"\S+:\d+(?::\d+)?: warning: ")
#: For checks whose id names no program.
_NO_SECTION: Final = "Others"


class Step(NamedTuple):
    """The one thing to do next: what it is about (may be empty), and what to do."""

    title: str
    hint: str
    is_done: bool = False


class Section(NamedTuple):
    """Checks of one program, or of both together.  `heading`: title and subtotal; empty if there is only one."""

    heading: str
    checks: tuple[CheckResult, ...]


class NotPlayed(NamedTuple):
    """Checks that were skipped for the same reason, which is in the words of their message."""

    why: str
    checks: tuple[CheckResult, ...]


def number(value: float) -> str:
    """Points as people write them: 2, 0.5, 3.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def plural(count: int, noun: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


# one check


def title(check: CheckResult) -> str:
    """The check's title, or its id if the author gave none."""
    return one_line(check.title) or one_line(check.id)


def reason_clause(check: CheckResult) -> str:
    """Why it did not pass, as one clause; never empty."""
    return REASONS[check.reason] if check.reason else OUTCOMES[check.outcome]


def requirement_line(check: CheckResult) -> str:
    """The handout's sentence, quoted with its number."""
    numbered = f"Requirement {number}" if (number := one_line(check.requirement.number)) else "Requirement"
    return f"{numbered}: \u201c{one_line(check.requirement.text)}\u201d"


def message_lines(check: CheckResult) -> list[str]:
    """The check's message, line by line, as it is."""
    return lines(check.message)


class Compared(NamedTuple):
    """Two lines shown one above the other, column by column, and the column that the caret below them points at."""

    lines: tuple[str, str]
    caret: int


def message_parts(check: CheckResult) -> list[str | Compared]:
    """The message's lines; what was expected, what was received and the caret below them are one part."""
    return parts_of(message_lines(check))


def parts_of(message: list[str]) -> list[str | Compared]:
    """See `message_parts`.  A program can't forge what was compared: whatever it prints is indented."""
    parts: list[str | Compared] = []
    for line in message:
        compared = [one for one in parts[-2:] if isinstance(one, str)]
        labels = tuple(one.partition(":")[0] for one in compared)
        if labels == ("expected", "received") and line.strip(" ") == "^":
            parts[-2:] = [Compared((compared[0], compared[1]), line.index("^"))]
        else:
            parts.append(line)
    return parts


def brief_parts(check: CheckResult) -> list[str | Compared]:
    """The message cut down to what happened, what was sent and the first difference."""
    first, *others = message_parts(check) or [""]
    return [first, *(part for part in others if isinstance(part, Compared) or _TELLS_WHAT_WAS_SENT.search(part))]


def explain(check: CheckResult) -> list[str]:
    """Everything about one check: reason, requirement, message, what sanitizers say, hint."""
    hint = hint_line(check)
    said = [f"{capital(reason_clause(check))}.", requirement_line(check), *message_lines(check)]
    said += sanitizer_lines(check)
    return [*said, " ".join(hint)] if hint else said


def place(check: CheckResult) -> SourceLine | None:
    """The line of the student's source that a failure is about: where the program was, or what does not compile."""
    if check.outcome is not Outcome.FAILED:
        return None
    return check.place or (fault_place(check.message) if check.reason is Reason.BUILD_FAILED else None)


def hint_line(check: CheckResult) -> tuple[str, str] | None:
    """What to do about the check, after its label; None if there is nothing to say."""
    if check.outcome in UNJUDGED:
        return "What to do:", advice(check)
    own = one_line(check.hint)
    return ("Hint:", own) if own else None


def sanitizer_lines(check: CheckResult) -> list[str]:
    """What a second look with sanitizers has found, and the line of source; nothing if there was none."""
    if (found := check.sanitizer) is None:
        return []
    function = f", in {one_line(found.function)}" if found.function else ""
    return [
        f"Once more with -fsanitize=address,undefined: the program {one_line(found.words)} ({one_line(found.kind)})",
        f"in {one_line(found.place.file)}, line {found.place.line}{function}: {one_line(found.source)}",
    ]


def more_line(check: CheckResult) -> str:
    """Where the mistake that the check finds can be seen as code; empty if that is nowhere."""
    if check.outcome is not Outcome.FAILED or not check.hint or behind(check.id) is None:
        return ""
    return f"The classic mistake as code, wrong and right: grader explain {check.id}"


def capital(text: str) -> str:
    """`text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def heading(report: Report) -> str:
    """What was graded, and where."""
    return " \u00b7 ".join(
        [
            f"{one_line(report.assignment)} ({ROLES[report.role]})",
            one_line(report.submission.name),
            f"sandbox: {one_line(report.grader.sandbox)}",
            f"seed {report.grader.seed}",
        ]
    )


def utc(report: Report) -> str:
    """When the grading began, by UTC and to the second, as `2026-03-04T05:06:07`."""
    started = report.started if report.started.tzinfo else report.started.replace(tzinfo=UTC)
    return started.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def notes(report: Report) -> list[str]:
    """The sentences about the submission."""
    return [f"{capital(one_line(note))}." for note in report.notes]


def points(check: CheckResult) -> str:
    """`2/3`; a check that was not judged has no points to show yet: `-/3`."""
    got = "-" if check.outcome in UNJUDGED else number(check.points)
    return f"{got}/{number(check.max_points)}"


def sections(report: Report) -> list[Section]:
    """The report's checks in the handout's order; for several programs a section each, with its points."""
    if report.role != "both":
        return [Section("", report.checks)]
    divided: dict[str, list[CheckResult]] = {SECTIONS[part]: [] for part in PARTS}
    for check in report.checks:
        part = check.id.partition(".")[0]
        divided.setdefault(next((SECTIONS[known] for known in PARTS if known == part), _NO_SECTION), []).append(check)
    return [Section(_subtotal(title, checks), tuple(checks)) for title, checks in divided.items() if checks]


def _subtotal(whose: str, checks: Iterable[CheckResult]) -> str:
    """`Server: 40 of 50 points`, in the same words as the score."""
    checks = list(checks)
    got, most = sum(check.points for check in checks if judged(check)), sum(check.max_points for check in checks)
    return f"{whose}: {_out_of(got, most, sum(check.max_points for check in checks if not judged(check)))}"


def score_line(report: Report) -> str:
    """The score, and how much more may be earned once a person has looked at it."""
    return f"Score: {_out_of(report.score, report.max_score, report.unjudged)}"


def _out_of(score: float, max_score: float, unjudged: float) -> str:
    more = f", {number(unjudged)} more not yet judged" if unjudged else ""
    return f"{number(score)} of {plural_points(max_score)}{more}"


def narrowed_line(report: Report) -> str:
    """That only part of the assignment was graded, and by which options; empty if all of it was."""
    if report.narrowed is None:
        return ""
    role = [f"--role {report.narrowed.role}"] if report.narrowed.role else []
    only = [f"--only {one_line(check)}" for check in report.narrowed.only]
    needed = " and what it depends on" if len(only) == 1 else " and what they depend on" if only else ""
    whole = f"{number(report.max_score)} of its {plural_points(report.narrowed.full_score)}"
    return f"Only part of the assignment was graded ({' '.join(role + only)}{needed}): {whole}."


def counts_line(report: Report) -> str:
    """How many checks have each outcome; only outcomes that occurred."""
    counted = Counter(check.outcome for check in report.checks)
    return ", ".join(f"{counted[outcome]} {word}" for outcome, word in OUTCOMES.items() if counted[outcome])


def with_outcome(report: Report, outcomes: Iterable[Outcome]) -> list[CheckResult]:
    """The checks with these outcomes, in the handout's order."""
    wanted = frozenset(outcomes)
    return [check for check in report.checks if check.outcome in wanted]


def alike(checks: Iterable[CheckResult]) -> list[tuple[CheckResult, ...]]:
    """The checks in groups that share one explanation: those that never ran because the sandbox broke first."""
    groups: dict[object, list[CheckResult]] = {}
    for check in checks:
        told = id(check) if check.evidence else (check.outcome, check.reason, check.message, check.hint)
        groups.setdefault(told, []).append(check)
    return [tuple(group) for group in groups.values()]


def build_stands_alone(report: Report) -> bool:
    """Whether the build failed and no check reports it: then the reports must."""
    said = any(check.reason is Reason.BUILD_FAILED for check in report.checks)
    return report.build.outcome not in {Outcome.PASSED, Outcome.SKIPPED} and not said


def warnings_line(report: Report) -> str:
    """The compiler's first warning, for a program that was built and then failed a check; empty if there is none.

    What is merely unused is rarely why, so another one comes first.
    """
    failed = report.build.outcome is Outcome.PASSED and with_outcome(report, [Outcome.FAILED])
    found = [line for line in lines(report.build.log) if _WARNING.match(line)] if failed else []
    if not found:
        return ""
    first = min(found, key=lambda line: "unused" in line)
    others = f" (and {plural(len(found) - 1, 'other')})" if found[1:] else ""
    return f"The compiler warns{others}: {first}"


def not_played(checks: Iterable[CheckResult]) -> list[NotPlayed]:
    """Skipped ones, grouped by why.  Their messages say which check they depend on; the reason alone does not."""
    groups: dict[str, list[CheckResult]] = {}
    for check in (check for check in checks if check.outcome is Outcome.SKIPPED):
        why = one_line(check.message).rstrip(".") or f"{OUTCOMES[Outcome.SKIPPED]}: {reason_clause(check)}"
        groups.setdefault(why, []).append(check)
    return [NotPlayed(why, tuple(checks)) for why, checks in groups.items()]


def not_played_line(group: NotPlayed) -> str:
    """`12 checks (20 points) skipped: depends on ...`; a single one by its title."""
    worth = plural_points(sum(check.max_points for check in group.checks))
    alone = len(group.checks) == 1
    which = f"\u201c{title(group.checks[0])}\u201d" if alone else plural(len(group.checks), "check")
    return f"{which} ({worth}) {group.why}"


def plural_points(value: float) -> str:
    """`1 point`, `2.5 points`."""
    return f"{number(value)} point{'' if value == 1 else 's'}"


def unjudged_line(report: Report) -> str:
    """What happens with the checks that could not be judged; empty if all were."""
    lacking = [check for check in report.checks if not judged(check)]
    if not lacking:
        return ""
    behind = sum(check.outcome is Outcome.SKIPPED for check in lacking)
    counting = f" (including {behind} that depend{'s' if behind == 1 else ''} on another)" if behind else ""
    worth = f"{plural_points(report.unjudged)} neither earned nor lost, for a person to review"
    return f"{plural(len(lacking), 'check')} could not be judged{counting}: {worth}."


def advice(check: CheckResult) -> str:
    """What to do about a check that could not be judged."""
    own = one_line(check.hint)
    return own or (ADVICE.get(check.reason, UNJUDGED_ADVICE) if check.reason else UNJUDGED_ADVICE)


def next_step(report: Report) -> Step:
    """The one thing to do next.

    The first failed check in the handout's order, since later failures often follow from it; before that the build.
    """
    unjudged = with_outcome(report, UNJUDGED)
    if report.build.outcome is Outcome.FAILED:
        return Step("", _mend_build(report))
    if fallen := with_outcome(report, [Outcome.FAILED]):
        return Step(title(fallen[0]), one_line(fallen[0].hint) or reason_clause(fallen[0]))
    if unjudged:
        return Step(title(unjudged[0]), advice(unjudged[0]))
    if not report.checks:
        return Step("", "no check was selected")
    skipped = not_played(report.checks)
    return Step("", not_played_line(skipped[0])) if skipped else Step("", "All checks passed.", is_done=True)


def next_line(report: Report) -> str:
    """The next step as one line."""
    step = next_step(report)
    if step.is_done:
        return step.hint
    about = f"\u201c{step.title}\u201d: " if step.title else ""
    return f"Next: {about}{step.hint}"


def _mend_build(report: Report) -> str:
    """What to do about a build that failed; if both did, about the first."""
    failed = next((check for check in report.checks if check.reason is Reason.BUILD_FAILED), None)
    if report.role != "both" or failed is None:
        return f"fix the build: {first_fault(report.build.log)}"
    # Its message is the command and its output; the report's log also contains the other program's build.
    whose, log = failed.id.partition(".")[0], failed.message.partition("\n")[2]
    return f"fix the {one_line(whose)}'s build: {first_fault(log)}"
