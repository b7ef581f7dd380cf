"""The figures of one run, as they are written to docs/concurrency/figures.json.  Pure values."""

from __future__ import annotations

import msgspec


class Point(msgspec.Struct, frozen=True):
    """A server with so many clients connected.

    `served`: how many of them got their echo; the rest is None if that is not all of them.  `memory_kib`: proportional
    set size (PSS: pages that processes share are divided among them), all processes together.  `wall_us`, `cpu_us`: for
    one echo to one client while the others are silent, the median and the server's share of a CPU.  `arrival_us`: for
    one more client, from connecting to its echo.
    """

    clients: int
    served: int
    memory_kib: int | None = None
    processes: int | None = None
    threads: int | None = None
    wall_us: float | None = None
    cpu_us: float | None = None
    arrival_us: float | None = None


class Figures(msgspec.Struct, frozen=True):
    """One server.  Whether another client gets its echo while others are silent, or one sends and doesn't read.

    `fails`: the checks that it does not pass.
    """

    server: str
    points: tuple[Point, ...]
    beside_silent: bool
    beside_slow: bool
    fails: tuple[str, ...]


class Run(msgspec.Struct, frozen=True):
    """`machine`: what it ran on, in words."""

    machine: str
    silent_clients: int
    figures: tuple[Figures, ...]
