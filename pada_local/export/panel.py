"""The data-quality panel of a run: numbers about its training data before and after each round, and about what was new."""

from typing import Any

import msgspec

from pada_local.data.subset import training_subset
from pada_local.export.frozen import figures_of
from pada_local.export.trends import recipe_of
from pada_local.metrics.quality import Quality, quality
from pada_local.records import Candidate, Example, Run

COLUMNS = {
    "texts": "texts", "words": "words", "apen_1": "ApEn 1", "apen_2": "ApEn 2", "compression": "zipped", "distinct_1": "dist 1",
    "distinct_2": "dist 2", "distinct_3": "dist 3", "nearest": "nearest", "near_copies": "copies", "labels": "labels",
    "balance": "balance",
}  # fmt: skip
"""What tables show, by the number's name in the glossary."""


def quality_panel(project: Any, run: Run, train: list[Example]) -> list[dict[str, Any]]:
    """One row for the training data, then two for each round that added samples: the new ones, and all data after it.

    New samples are measured against the training examples, whole sets among themselves. Nothing for a run that added none.
    """
    kept = figures_of(project, "quality")
    if kept is not None:
        return kept.get(run.id, [])
    rows = project.get(Candidate, run_id=run.id, selected=True)
    if not rows:
        return []
    base = training_subset(train, recipe_of(project, run).loop.train_size, run.seed)
    pairs = [(row.input, row.output) for row in base]
    panel = [_row(0, False, quality(pairs))]
    for number in sorted({row.round for row in rows}):
        new = [(row.input, row.output) for row in rows if row.round == number]
        panel.append(_row(number, True, quality(new, against=[row.input for row in base])))
        so_far = [(row.input, row.output) for row in rows if row.round <= number]
        panel.append(_row(number, False, quality([*pairs, *so_far])))
    return panel


def _row(number: int, new: bool, found: Quality) -> dict[str, Any]:
    return {"round": number, "new": new} | msgspec.to_builtins(found)


def label_of(row: dict[str, Any]) -> str:
    """How a row of the panel is called."""
    return f"{'new of' if row['new'] else 'all after'} round {row['round']}" if row["round"] else "training data"


def shown(value: float | int | None) -> str:
    """A cell of the panel."""
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
