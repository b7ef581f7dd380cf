"""How figures are printed: a line for each, its goal beside it.  Pure."""

from __future__ import annotations


def line(what: str, figure: str, goal: str = "", *, met: bool = True) -> str:
    """A figure, and whether it met its goal."""
    return f"{what:<52} {figure:>16}   {goal}{'' if met else '   MISSED'}".rstrip()


def ms(seconds: float) -> str:
    """Whole milliseconds."""
    return f"{seconds * 1000:.0f}"
