"""The leak guard of a project: made of its validation and test examples."""

from collections.abc import Sequence
from typing import Any

from pada_local.data.leakage import LeakGuard
from pada_local.records import Example

PROTECTED = ["validation", "test"]


def guard_of(rows: Any, jaccard: float = 0.8, training: Sequence[Example] | None = None) -> LeakGuard:
    """Protects validation and test; `jaccard` is the recipe's `leak_jaccard`, `training` what the student may see (all of it)."""
    protected = rows.get(Example, split=PROTECTED)
    training = rows.get(Example, split="train") if training is None else training
    outputs = [row.output for row in protected], [row.output for row in training]
    return LeakGuard([row.input for row in protected], [row.input for row in training], jaccard, outputs=outputs)
