"""Which reports are wanted, in which files: `--format NAME=FILE`, and the older options that are names for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import click

from grader.cli.say import reader_may_leave
from grader.errors import UsageError, did_you_mean
from grader.model import Report
from grader.report import FORMATS, must_be_writable, render, transcripts, write

_STDOUT: Final = "-"
FORMAT: Final = click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME=FILE",
    help=f"Write the report in this format ({', '.join(FORMATS)}); - for standard output; may be repeated.",
)


class Wanted(NamedTuple):
    """The reports that are asked for: (format, file) for each file, and the format for standard output, if any."""

    files: tuple[tuple[str, Path], ...]
    printed: str | None

    def must_be_writable(self) -> None:
        """Raise a UsageError before minutes are spent if one of the files can't be written."""
        for _, path in self.files:
            must_be_writable(path)

    def write(self, report: Report) -> None:
        """Write the files, and what is wanted on standard output."""
        for name, path in self.files:
            write(path, render(name, report))
            if name == "json":
                _write_transcripts(report, transcripts.beside(path))
        if self.printed:
            with reader_may_leave():
                sys.stdout.buffer.write(render(self.printed, report))
                sys.stdout.flush()


def wanted(formats: tuple[str, ...], named: Mapping[str, str | Path | None]) -> Wanted:
    """What `--format` and the options of their own ask for; `named`: file by format, None where it is not asked for.

    Raises:
        UsageError: there is no such format, no file is named, or several are for standard output.
    """
    asked = [(name, str(file)) for name, file in named.items() if file is not None]
    asked += [_divided(each) for each in formats]
    printed = [name for name, file in asked if file == _STDOUT]
    if len(printed) > 1:
        message = f"only one report fits on standard output, not {' and '.join(printed)}"
        raise UsageError(message)
    files = tuple((name, Path(file)) for name, file in asked if file != _STDOUT)
    return Wanted(files, printed[0] if printed else None)


def _divided(asked: str) -> tuple[str, str]:
    name, equals, file = asked.partition("=")
    if name not in FORMATS:
        meant = did_you_mean(name, FORMATS) or f"; there are {', '.join(FORMATS)}"
        message = f"there is no format {name!r}{meant}"
        raise UsageError(message)
    if not equals or not file:
        message = f"--format {name} needs a file: --format {name}=FILE, or {name}=- for standard output"
        raise UsageError(message)
    return name, file


def _write_transcripts(report: Report, path: Path) -> None:
    """Write the file of what is too long for the JSON report, or remove an earlier run's."""
    content = transcripts.render(report)
    if content is not None:
        write(path, content)
    elif path.is_file():
        path.unlink()
