"""A study on the HTML page: the table, the differences, and a plot of the means."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pada_local.export.plots import Point, Series, bars, escaped, lines
from pada_local.export.study import differences

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], str]


def study_parts(study: dict[str, Any], table: Table, figure: Callable[[str, str], str]) -> Iterable[str]:
    """Pieces of the page; `table` and `figure` are the page's own."""
    rows = study["rows"]
    yield f"<h2>Study {escaped(study['id'][:8])}: {study['tested']} of {study['runs']} runs tested</h2>"
    heads = ("recipe", "training examples", "test mean", "95% over seeds and examples", "seeds", "validation", "samples used",
             "teacher tokens per accepted", "seconds per accepted")  # fmt: skip
    yield table(heads, [_cells(row) for row in rows])
    told = [
        (f"{row['recipe']} − {other}", _size(row), f"{found['difference']:+.3f}", f"{found['low']:+.3f} to {found['high']:+.3f}",
         f"{found['p']:.4f}", f"{found['holm_p']:.4f}")
        for row, other, found in differences(study)
    ]  # fmt: skip
    if told:
        yield f"<p>Paired by seed and example; Holm's correction for all {study['family']} differences.</p>"
        yield table(("first minus second", "training examples", "difference", "95% interval", "p", "Holm p"), told)
    tested = [row for row in rows if row["test"]]
    if len(study["sizes"]) > 1:
        names = dict.fromkeys(row["recipe"] for row in tested)
        drawn = [Series(name, [Point(row["size"], row["test"]["mean"], row["test"]["low"], row["test"]["high"])
                               for row in sorted(tested, key=lambda row: row["size"]) if row["recipe"] == name])
                 for name in names]  # fmt: skip
        yield figure(
            "Test mean by training examples (0: all)", lines("Test mean by training examples", drawn, "examples", top=1.0)
        )
    elif tested:
        means = [(row["recipe"], row["test"]["mean"]) for row in tested]
        yield figure("Test mean of each recipe, over all seeds", bars("Test mean of each recipe", means))


def _size(row: dict[str, Any]) -> str:
    return f"{row['size']:g}" if row["size"] else "all"


def _cells(row: dict[str, Any]) -> list[object]:
    test = row["test"]
    mean, interval = (f"{test['mean']:.3f}", f"{test['low']:.3f} to {test['high']:.3f}") if test else ("-", "-")
    beside = [
        (row["validation"], ".3f"),
        (row["used"], ".0f"),
        (row["tokens_per_accepted"], ".0f"),
        (row["seconds_per_accepted"], ".2f"),
    ]
    return [row["recipe"], _size(row), mean, interval, test["n"] if test else 0,
            *("-" if value is None else format(value, how) for value, how in beside)]  # fmt: skip
