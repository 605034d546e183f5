"""Plots as inline SVG, drawn by hand: points with intervals, lines and bars. Every mark carries its value as text too.

Series differ by dash and marker, not by colour alone, so that a plot can be read on paper and by everybody.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pada_local.runtime.safe import safe_line

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 260, 52, 16, 14, 34
BAR, LABEL_WIDTH = 20, 330
DASHES = ("", "6 3", "2 3", "9 3 2 3", "1 4")
MARKERS = ("●", "■", "▲", "◆", "✚")
# Allowed by `safe`, forbidden in XML.
_NOT_XML = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True)
class Point:
    """One value at x; `low` and `high` are its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """A named line."""

    name: str
    points: Sequence[Point]


def escaped(text: object, width: int = 0) -> str:
    """Foreign text for HTML and SVG, in elements and in quoted attributes: it can neither steer nor break out."""
    return html.escape(_NOT_XML.sub("\ufffd", safe_line(text, width)), quote=True)


def number(value: float) -> str:
    """A figure as it stands on plots and in tables."""
    return f"{value:.6g}"


def lines(title: str, series: Sequence[Series], x_name: str, *, top: float | None = None, marked: bool = True) -> str:
    """Lines over x with markers and intervals; y starts at 0 and ends at `top`, or at the largest value."""
    points = [point for one in series for point in one.points]
    if not points:
        return ""
    high = top or max(max(point.high or 0, point.y) for point in points) or 1.0
    first, last = min(point.x for point in points), max(point.x for point in points)
    parts = [_open(title, HEIGHT + 18 * len(series)), _axes(high, first, last, x_name, _few_ticks(points))]
    for at, one in enumerate(series):
        places = [(_x(point.x, first, last), _y(point.y, high), point) for point in one.points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        style = f'class="line s{at % 5}" stroke-dasharray="{DASHES[at % 5]}"'
        parts.append(f'<polyline points="{way}" {style}/>')
        parts += [_mark(x, y, point, at, high, one.name) for x, y, point in places] if marked else []
        below = HEIGHT + 18 * at + 8
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + 30}" y1="{below - 4}" y2="{below - 4}" {style}/>')
        parts.append(f'<text x="{LEFT + 36}" y="{below}">{MARKERS[at % 5] if marked else ""} {escaped(one.name, 70)}</text>')
    return "".join([*parts, "</svg>"])


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars, each with its name before it and its value behind it."""
    if not rows:
        return ""
    most = max(value for _, value in rows) or 1.0
    parts = [_open(title, BAR * len(rows) + 8)]
    for at, (name, value) in enumerate(rows):
        y, long = BAR * at + 4, (WIDTH - LABEL_WIDTH - 70) * value / most
        parts.append(f'<text x="{LABEL_WIDTH - 8}" y="{y + 12}" text-anchor="end">{escaped(name, 52)}</text>')
        parts.append(f'<rect class="bar" x="{LABEL_WIDTH}" y="{y}" width="{long:.1f}" height="{BAR - 6}"')
        parts.append(f' data-value="{number(value)}"><title>{escaped(name)}: {number(value)}</title></rect>')
        parts.append(f'<text x="{LABEL_WIDTH + long + 6:.1f}" y="{y + 12}">{number(value)}</text>')
    return "".join([*parts, "</svg>"])


def _open(title: str, height: int) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{escaped(title)}</title>'


def _x(value: float, first: float, last: float) -> float:
    share = (value - first) / (last - first) if last > first else 0.5
    return LEFT + 14 + share * (WIDTH - LEFT - RIGHT - 28)


def _y(value: float, high: float) -> float:
    return HEIGHT - BOTTOM - value / high * (HEIGHT - TOP - BOTTOM)


def _few_ticks(points: Sequence[Point]) -> list[float]:
    places = sorted({point.x for point in points})
    return places if len(places) <= 12 else [places[0], places[len(places) // 2], places[-1]]


def _axes(high: float, first: float, last: float, x_name: str, ticks: list[float]) -> str:
    parts = []
    for step in range(5):
        value = high * step / 4
        y = _y(value, high)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for tick in ticks:
        parts.append(f'<text x="{_x(tick, first, last):.1f}" y="{HEIGHT - 18}" text-anchor="middle">{number(tick)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{escaped(x_name)}</text>')
    return "".join(parts)


def _mark(x: float, y: float, point: Point, at: int, high: float, name: str) -> str:
    whisker, told = "", number(point.y)
    if point.low is not None and point.high is not None:
        ends = f'y1="{_y(point.low, high):.1f}" y2="{_y(point.high, high):.1f}"'
        whisker = f'<line class="line s{at % 5}" x1="{x:.1f}" x2="{x:.1f}" {ends}/>'
        told += f" [{number(point.low)}, {number(point.high)}]"
    text = f'<text class="mark" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" data-value="{number(point.y)}">'
    return f"{whisker}{text}{MARKERS[at % 5]}<title>{escaped(name)}: {told}</title></text>"
