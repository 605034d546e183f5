"""Pictures made of characters: curves, whiskers, maps and bars. Pure functions of numbers and a size; marks differ, not only
colours, so that they can be read without any.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from textual.content import Content
from textual.widget import Widget

from pada_local.runtime.safe import safe_line

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character: four rows of two."""
MARKS = "●▲■◆○△□◇+x*#"
STEPS = 8
"""Dots between two neighbouring points at least: steep lines stay lines."""
STYLES = ("$primary", "$accent", "$success", "$error", "$secondary")

NARROW = 12
"""Columns without which a whisker says little."""

Point = tuple[float, float]
Part = str | tuple[str, str]


@dataclass(frozen=True)
class Interval:
    """A mean with its interval, and what it belongs to."""

    name: str
    mean: float
    low: float
    high: float
    note: str = ""


def curve(drawn: Sequence[Point], marked: Sequence[Point], width: int, height: int) -> Content:
    """A line of dots through `drawn`, in order of x, and an `o` at each point of `marked`; both share their axes."""
    points = [*drawn, *marked]
    if not points or width < 16 or height < 2:
        return Content()
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    labels = (f"{high:.3g}", f"{low:.3g}")
    inner = width - max(map(len, labels)) - 2

    def place(x: float, y: float, across: int, down: int) -> tuple[int, int]:
        return (_scaled(x, left, right, across), down - 1 - _scaled(y, low, high, down))

    bits = [[0] * inner for _ in range(height)]
    for x, y in _joined(drawn, inner * 2):
        column, row = place(x, y, inner * 2, height * 4)
        bits[row // 4][column // 2] |= DOTS[row % 4][column % 2]
    cells = [[chr(0x2800 + cell) if cell else " " for cell in row] for row in bits]
    spots = set()
    for x, y in marked:
        column, row = place(x, y, inner, height)
        cells[row][column] = "o"
        spots.add((row, column))
    parts: list[Part] = []
    for number, row in enumerate(cells):
        label = labels[0] if number == 0 else labels[1] if number == height - 1 else ""
        parts.append((f"{label:>{width - inner - 2}} │", "dim"))
        parts += _runs((cell, "bold $accent" if (number, column) in spots else "$primary") for column, cell in enumerate(row))
        parts.append("\n" if number < height - 1 else "")
    return Content.assemble(*parts)


def _runs(cells: Iterable[tuple[str, str]]) -> list[Part]:
    """Characters of the same style as one part."""
    return [("".join(cell for cell, _ in same), style) for style, same in groupby(cells, key=lambda one: one[1])]


def _joined(points: Sequence[Point], columns: int) -> Iterable[Point]:
    """The points and those between neighbours, close enough to leave no gap; of a long series the mean of each column."""
    if len(points) > columns:
        size = len(points) / columns
        groups = [points[round(at * size) : round((at + 1) * size)] for at in range(columns)]
        points = [(sum(x for x, _ in one) / len(one), sum(y for _, y in one) / len(one)) for one in groups if one]
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        steps = max(STEPS, columns // max(1, len(points) - 1))
        for step in range(steps):
            yield x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
    yield from points[-1:]


def _scaled(value: float, low: float, high: float, cells: int) -> int:
    share = (value - low) / (high - low) if high > low else 0.5
    return min(cells - 1, max(0, int(share * cells)))


def whiskers(rows: Sequence[Interval], width: int, reference: float | None = None) -> Content:
    """A line for each mean with its interval, `├──●──┤`, on one scale; `¦` stands at the reference in every line.

    Where the room is narrow the interval is drawn and not written.
    """
    if not rows:
        return Content()
    names = min(max(len(row.name) for row in rows), max(8, width // 3))
    figures = [_figures(row, f" [{row.low:.3f}, {row.high:.3f}]") for row in rows]
    if width - names - max(map(len, figures)) < NARROW:
        figures = [_figures(row, "") for row in rows]
    inner = width - names - max(map(len, figures)) - 2
    ends = [end for row in rows for end in (row.low, row.high)] + ([reference] if reference is not None else [])
    low, high = min(ends), max(ends)
    parts: list[Part] = []
    for number, (row, figure) in enumerate(zip(rows, figures, strict=True)):
        parts.append(f"{safe_line(row.name, names):<{names}} ")
        if inner >= 8:
            parts += [*_whisker(row, low, high, inner, reference), " "]
        parts += [figure, "\n" if number < len(rows) - 1 else ""]
    return Content.assemble(*parts)


def _figures(row: Interval, interval: str) -> str:
    return f"{row.mean:.3f}{interval}{'  ' + row.note if row.note else ''}"


def _whisker(row: Interval, low: float, high: float, width: int, reference: float | None) -> list[Part]:
    first, mean, last = (_scaled(value, low, high, width) for value in (row.low, row.mean, row.high))
    cells = [" "] * width
    cells[first : last + 1] = ["─"] * (last + 1 - first)
    cells[first], cells[last] = "├", "┤"
    if reference is not None:
        cells[_scaled(reference, low, high, width)] = "¦"
    cells[mean] = "●"
    return _runs((cell, "bold" if at == mean else "dim" if cell == "¦" else "$primary") for at, cell in enumerate(cells))


def scatter(points: Sequence[tuple[float, float, int]], width: int, height: int, shown: int | None = None) -> Content:
    """Points of 0..1 on both axes, each with its group's mark and colour; those of the group `shown` are bold, others dim."""
    if width < 4 or height < 2:
        return Content()
    cells: dict[tuple[int, int], int] = {}
    for x, y, group in points:
        place = (height - 1 - _scaled(y, 0, 1, height), _scaled(x, 0, 1, width))
        if cells.get(place) != shown or shown is None:
            cells[place] = group
    parts: list[Part] = []
    for row in range(height):
        parts += _runs(_spot(cells.get((row, column)), shown) for column in range(width))
        parts.append("\n" if row < height - 1 else "")
    return Content.assemble(*parts)


def _spot(group: int | None, shown: int | None) -> tuple[str, str]:
    if group is None:
        return " ", ""
    weight = "" if shown is None else "bold " if group == shown else "dim "
    return MARKS[group % len(MARKS)], weight + STYLES[group % len(STYLES)]


def bar(share: float, width: int = 20) -> str:
    """A bar whose filled part is the share."""
    full = round(min(1.0, max(0.0, share)) * width)
    return "█" * full + "░" * (width - full)


class Plot(Widget):
    """A picture that is drawn again in whatever size it has: `draw(width, height)` gives its text."""

    def __init__(self, **words: str) -> None:
        super().__init__(**words)
        self._draw: Callable[[int, int], Content] = lambda _width, _height: Content()

    def show(self, draw: Callable[[int, int], Content]) -> None:
        """Draw this from now on."""
        self._draw = draw
        self.refresh()

    def render(self) -> Content:
        return self._draw(self.content_size.width, self.content_size.height)
