"""What concurrency costs: the script works, and the page shows what was measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from bench.concurrency import measure
from bench.concurrency.__main__ import DOCS, FIGURES, FOLDER, PAGE, titles
from bench.concurrency.model import Figures, Point, Run
from bench.concurrency.page import BEGIN, END, charts, tables, written_into
from bench.concurrency.plots import chart

ROOT = DOCS.parent
WHOLE = Point(clients=2, served=2, memory_kib=2048, processes=1, threads=3, wall_us=20, cpu_us=10, arrival_us=100)
RUN = Run("a machine", 20, (Figures("threads", (WHOLE,), True, False, ("server.no_zombies",)),))


def published() -> Run:
    return msgspec.json.decode((DOCS / FOLDER / FIGURES).read_bytes(), type=Run)


def test_the_page_shows_the_published_figures() -> None:
    page = (DOCS / PAGE).read_text(encoding="utf-8")
    assert written_into(page, published(), titles()) == page


def test_the_charts_are_those_of_the_published_figures() -> None:
    for name, svg in charts(published()).items():
        assert (DOCS / FOLDER / name).read_text(encoding="utf-8") == svg


def test_every_server_was_measured() -> None:
    assert tuple(figures.server for figures in published().figures) == measure.NAMES


def test_a_row_says_what_was_measured() -> None:
    shown = tables(RUN, titles())
    assert "| threads | all 2 | 1 | 3 | 2.0 → 2.0 MiB | 10 → 10 µs | served | never |" in shown
    assert "| threads | `no_zombies`: Reaps its child processes" in shown


def test_a_server_that_stops_serving_says_how_far_it_came() -> None:
    stuck = msgspec.structs.replace(RUN.figures[0], points=(WHOLE, Point(clients=50, served=16)), fails=())
    shown = tables(msgspec.structs.replace(RUN, figures=(stuck,)), {})
    assert "| threads | 16 of 50 |" in shown
    assert "none of them" in shown


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{BEGIN}{END}{BEGIN}"])
def test_a_page_without_both_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="both marks"):
        written_into(page, RUN, titles())


@pytest.mark.parametrize("values", [[], [(0, 0)], [(1, 0.3), (500, 70_000)]])
def test_a_chart_is_svg_and_stays_inside_its_frame(values: list[tuple[float, float]]) -> None:
    root = etree.fromstring(chart("a < b & c", "x", "y", {"one": values, "two": values}).encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = (float(edge) for edge in root.get("viewBox", "").split()[2:])
    dots = root.findall(".//{*}circle")
    assert len(dots) == 2 * len(values)
    assert all(0 <= float(dot.get("cx", -1)) <= width and 0 <= float(dot.get("cy", -1)) <= height for dot in dots)


def test_the_script_measures_and_writes(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(f"{BEGIN}\n{END}\n")
    command = [sys.executable, "-m", "bench.concurrency", "--quick", "--docs", str(tmp_path)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / PAGE).read_text()
    assert "| one at a time | 1 of 3 |" in page
    assert "`idle_client_blocks_no_one`" in page
    assert "| threads | all 3 | 1 | 4 |" in page
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {FIGURES, *charts(RUN)}
