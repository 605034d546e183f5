"""Studies of this project in the compare screen: means with intervals on one scale, and paired differences with Holm's p."""

from collections.abc import Sequence
from typing import Any

from textual.content import Content

from pada_local.runtime.safe import safe_line
from tui.charts import Interval, whiskers

Parts = list[Content | str | tuple[str, str]]
NONE = "This project was in no study yet: pada study FILE compares recipes over seeds at equal budget."


def studies_in_full(studies: Sequence[dict[str, Any]], width: int) -> Content:
    """The newest study first."""
    parts: Parts = []
    for table in reversed(studies):
        told = f"study {table['id'][:8]}: {table['tested']} of {table['runs']} runs tested"
        parts.append((f"{told}, at most {table['budget']} samples a run\n", "bold"))
        parts += [*_means(table, width), *_differences(table, width), "\n"]
    return Content.assemble(*parts) if parts else Content(NONE)


def _means(table: dict[str, Any], width: int) -> Parts:
    tested = [row for row in table["rows"] if row["test"]]
    waiting = [_name(row) for row in table["rows"] if not row["test"]]
    vanilla = next((row["test"]["mean"] for row in tested if row["recipe"] == "vanilla"), None)
    rows = [Interval(_name(row), row["test"]["mean"], row["test"]["low"], row["test"]["high"], _cost(row)) for row in tested]
    legend = "test score, mean over seeds, 95% interval over seeds and examples" + ("; ¦ vanilla" if vanilla is not None else "")
    parts: Parts = []
    if rows:
        parts += [(f"{legend}\n", "dim"), whiskers(rows, width, vanilla), "\n"]
    if waiting:
        parts.append((f"not tested yet: {safe_line(', '.join(waiting), 200)}\n", "dim"))
    return parts


def _differences(table: dict[str, Any], width: int) -> Parts:
    best = table["best_baseline"]
    found = [
        (f"{_name(row)} - {other}", row[what])
        for row in table["rows"]
        for what, other in (("to_vanilla", "vanilla"), ("to_best", best.get(f"{row['size']:g}", "")))
        if row[what]
    ]
    rows = [Interval(name, pair["difference"], pair["low"], pair["high"], f"p {pair['holm_p']:.3f}") for name, pair in found]
    if not rows:
        return []
    title = f"paired differences; ¦ none; p by Holm over all {table['family']}; one baseline is the best on validation\n"
    return [(title, "dim"), whiskers(rows, width, 0.0), "\n"]


def _name(row: dict[str, Any]) -> str:
    size = f" ({row['size']:g})" if row["size"] else ""
    return row["recipe"] + size


def _cost(row: dict[str, Any]) -> str:
    """Teacher tokens per accepted sample."""
    return f"{row['tokens_per_accepted']:,.0f} tokens a sample" if row["tokens_per_accepted"] else ""
