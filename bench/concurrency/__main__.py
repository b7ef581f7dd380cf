"""`python -m bench.concurrency`: measures all servers, and writes figures, charts and tables into docs/."""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import click
import msgspec

from bench.concurrency import measure
from bench.concurrency.model import Run
from bench.concurrency.page import charts, written_into
from grader import assignment as assignments
from grader.catalogue.titles import titles_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, FOLDER, FIGURES = "concurrency.md", "concurrency", "figures.json"
#: Clients connected: 500 is what tcp_echo requires, and the last round number below what one select() can take (1024).
_COUNTS = (1, 10, 50, 100, 250, 500)
_ECHOES = 1800
_QUICK_COUNTS, _QUICK_ECHOES = (1, 3), 18
_QUICK_NAMES = ("one_at_a_time", "threads")
_QUICK_CHECKS = frozenset({"server.idle_client_blocks_no_one"})


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.concurrency", description="What concurrency costs.")
    parser.add_argument("--docs", type=Path, default=DOCS, help=f"the folder with {PAGE}, which is written into")
    parser.add_argument("--quick", action="store_true", help="two servers, few clients: does it work at all?")
    given = parser.parse_args()
    names = _QUICK_NAMES if given.quick else measure.NAMES
    figures = []
    for name in names:
        click.echo(f"measuring {name}", err=True)
        if given.quick:
            figures.append(measure.measured(name, _QUICK_COUNTS, _QUICK_ECHOES, _QUICK_CHECKS))
        else:
            figures.append(measure.measured(name, _COUNTS, _ECHOES))
    write(given.docs, Run(_machine(), measure.SILENT, tuple(figures)))


def _machine() -> str:
    return f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} CPUs"


def titles() -> dict[str, str]:
    """What the checks of the page are called, by id."""
    asked = assignments.load("tcp_echo")
    return titles_of(("server",), asked.transport, asked.files)


def write(docs: Path, run: Run) -> None:
    """The figures as JSON, the charts, and the tables in the page."""
    folder = docs / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    for name, svg in charts(run).items():
        (folder / name).write_text(svg, encoding="utf-8")
    page = docs / PAGE
    page.write_text(written_into(page.read_text(encoding="utf-8"), run, titles()), encoding="utf-8")


if __name__ == "__main__":
    main()
