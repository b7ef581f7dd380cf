"""Line charts as SVG.  Pure: numbers in, text out; no library draws them, so that anybody can run the script again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

#: M. Okabe and K. Ito, "Color Universal Design", 2002: told apart by the colour-blind, too.
_COLOURS = ("#000000", "#0072b2", "#d55e00", "#cc79a7", "#009e73", "#e69f00", "#56b4e9")
#: A second way to tell the lines apart.
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
_WIDTH, _HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 40, 50
_TICKS = 5
_LEGEND_LINE = 22

Series = Mapping[str, Sequence[tuple[float, float]]]


class _Scale(NamedTuple):
    """From values to places on the page."""

    most: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * value / self.most


def chart(title: str, across: str, up: str, series: Series) -> str:
    """A chart of lines that begin at zero; `across` and `up` are the axes' names, with units."""
    x = _Scale(_nice([at for line in series.values() for at, _ in line]), _LEFT, _WIDTH - _RIGHT)
    y = _Scale(_nice([value for line in series.values() for _, value in line]), _HEIGHT - _BOTTOM, _TOP)
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
        *_axes(x, y, across, up),
    ]
    for number, (name, line) in enumerate(series.items()):
        parts += _line(number, name, [(x.at(at), y.at(value)) for at, value in line])
    return "\n".join((*parts, "</svg>", ""))


def _nice(values: Sequence[float]) -> float:
    """The end of an axis: 1, 2 or 5 times a power of ten, or half that again, not below any value."""
    most = max(values, default=1) or 1
    power = 10 ** math.floor(math.log10(most))
    return float(next(step * power for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * power >= most))


def _axes(x: _Scale, y: _Scale, across: str, up: str) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        at, value = x.most * tick / _TICKS, y.most * tick / _TICKS
        parts += [
            f'<line x1="{x.begin}" x2="{x.end}" y1="{y.at(value):.1f}" y2="{y.at(value):.1f}" stroke="#dddddd"/>',
            f'<text x="{x.begin - 8}" y="{y.at(value) + 4:.1f}" text-anchor="end">{value:g}</text>',
            f'<text x="{x.at(at):.1f}" y="{y.begin + 18}" text-anchor="middle">{at:g}</text>',
        ]
    middle = (y.begin + y.end) / 2
    turned = f'transform="rotate(-90 18 {middle:.1f})"'
    return [
        *parts,
        f'<text x="{(x.begin + x.end) / 2:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="18" y="{middle:.1f}" text-anchor="middle" {turned}>{escape(up)}</text>',
    ]


def _line(number: int, name: str, places: Sequence[tuple[float, float]]) -> list[str]:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
    look = f'stroke="{colour}" stroke-width="2" fill="none"' + (f' stroke-dasharray="{dash}"' if dash else "")
    legend_x, legend_y = _WIDTH - _RIGHT + 16, _TOP + 12 + number * _LEGEND_LINE
    points = " ".join(f"{at:.1f},{value:.1f}" for at, value in places)
    return [
        f'<polyline points="{points}" {look}/>',
        *(f'<circle cx="{at:.1f}" cy="{value:.1f}" r="2.5" fill="{colour}"/>' for at, value in places),
        f'<line x1="{legend_x}" x2="{legend_x + 28}" y1="{legend_y - 4}" y2="{legend_y - 4}" {look}/>',
        f'<text x="{legend_x + 36}" y="{legend_y}">{escape(name)}</text>',
    ]
