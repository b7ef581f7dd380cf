"""What docs/concurrency.md shows of a run: two tables and three charts.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.concurrency.model import Figures, Point, Run
from bench.concurrency.plots import Series, chart

#: What the page calls each server.
WORDS = {
    "one_at_a_time": "one at a time",
    "threads": "threads",
    "processes": "processes",
    "thread_pool": "pool of 16 threads",
    "select_loop": "select",
    "epoll_loop": "epoll",
    "asyncio_tasks": "asyncio",
}
BEGIN, END = "<!-- measured: written by bench.concurrency -->", "<!-- end of what was measured -->"
_COSTS = (
    "| server | clients served | processes | threads | memory | CPU per echo | beside silent clients | "
    "beside one that doesn't read |"
)
_CLIENTS = "clients connected"


def written_into(page: str, run: Run, titles: Mapping[str, str]) -> str:
    """The page with this run's tables between the two marks.

    Raises:
        ValueError: it doesn't have each mark once.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError("the page must have both marks once, for what was measured to stand between them")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables(run, titles)}\n{END}{after}"


def tables(run: Run, titles: Mapping[str, str]) -> str:
    """Both tables, in Markdown.  `titles`: of the checks, by id."""
    return "\n".join(
        (
            f"Measured on {run.machine}; {run.silent_clients} clients are silent.",
            "",
            _COSTS,
            "|---|---|---|---|---|---|---|---|",
            *(_cost_row(figures) for figures in run.figures),
            "",
            "| server | checks of `tcp_echo` that it fails |",
            "|---|---|",
            *(_trap_row(figures, titles) for figures in run.figures),
            "",
        )
    )


def _cost_row(figures: Figures) -> str:
    few, most = figures.points[0], figures.points[-1]
    whole = max((point for point in figures.points if point.memory_kib is not None), key=lambda point: point.clients)
    served = f"{most.served} of {most.clients}" if most.served < most.clients else f"all {most.clients}"
    cells = (
        WORDS[figures.server],
        served,
        str(whole.processes),
        str(whole.threads),
        f"{_mib(few):.1f} → {_mib(whole):.1f} MiB",
        f"{few.cpu_us or 0:.0f} → {whole.cpu_us or 0:.0f} µs",
        "served" if figures.beside_silent else "never",
        "served" if figures.beside_slow else "never",
    )
    return f"| {' | '.join(cells)} |"


def _mib(point: Point) -> float:
    return (point.memory_kib or 0) / 1024


def _trap_row(figures: Figures, titles: Mapping[str, str]) -> str:
    fails = "; ".join(f"`{check.partition('.')[2]}`: {titles[check]}" for check in figures.fails)
    return f"| {WORDS[figures.server]} | {fails or 'none of them'} |"


def charts(run: Run) -> dict[str, str]:
    """The charts, by file name."""
    return {
        "memory.svg": chart("Memory", _CLIENTS, "MiB, all processes (PSS)", _series(run, _mib)),
        "threads.svg": chart("Threads", _CLIENTS, "threads", _series(run, lambda point: point.threads or 0)),
        "cpu.svg": chart(
            "CPU time for one echo, while the others are silent",
            _CLIENTS,
            "µs",
            _series(run, lambda point: point.cpu_us or 0),
        ),
    }


def _series(run: Run, value: Callable[[Point], float]) -> Series:
    return {
        WORDS[figures.server]: [(point.clients, value(point)) for point in figures.points if point.memory_kib]
        for figures in run.figures
    }
