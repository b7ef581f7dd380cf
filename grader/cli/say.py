"""What the command prints, and how: results on standard output, everything else on stderr.

Most of it contains names and text from other people.  Everything but the reports, which see to it themselves, goes
through `show`, so that nothing in it acts as a command to a terminal or a CI system.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from grader.errors import UsageError
from grader.report import safe

if TYPE_CHECKING:
    from rich.console import Console


def show(words: str, *, err: bool = False) -> None:
    """Print lines that may contain names and text from other people.

    Raises:
        UsageError: standard output can't be written to (stderr: then there is nobody to tell).
    """
    with suppress(OSError) if err else reader_may_leave():
        click.echo(safe.printed(words), err=err)


def say(words: str, *, quiet: bool = False) -> None:
    """Print one line to stderr, even if a name in it contains line breaks."""
    if not quiet:
        show(words.replace("\n", r"\n"), err=True)


def complain(words: str) -> None:
    """Print a sentence to stderr; what is meant to be pasted somewhere gets its own line."""
    sentence, _, line = words.partition(":\n")
    say(f"grader: {sentence}:" if line else f"grader: {words}")
    if line:
        say(line)


def console(*, stderr: bool = False) -> Console:
    """A console of rich's; with a reader that has left it raises BrokenPipeError."""
    from rich.console import Console  # noqa: PLC0415 — loading rich takes longer than most commands

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Rich would exit with 1, which means that a check failed."""
            raise BrokenPipeError

    return Ours(stderr=stderr)


@contextmanager
def status(words: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line on stderr that can be updated, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.text import Text  # noqa: PLC0415 — as above

    with console(stderr=True).status(words) as line:
        yield lambda words: line.update(Text(safe.one_line(words)))


@contextmanager
def bar(total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """A bar on stderr, with the remaining time, that one more of `total` advances, if that is a terminal.

    Lines that are printed meanwhile come above it.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415 — as above

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """A reader that has seen enough (`| head`) doesn't change the exit code (UsageError: a full disk takes no more)."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            message = f"can't write to standard output: {error.strerror}"
            raise UsageError(message) from error
