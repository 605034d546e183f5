"""Looks at examples on their way into the file: counts, labels, near duplicates, and one example to show."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pada_local.data.duplicates import DuplicateIndex
from pada_local.data.gather import SPLITS
from pada_local.records import Example

MOST_LABELS = 500
"""More different outputs than this are free text and no labels."""
LONGEST_LABEL = 100
NEAR_LOOKED_AT = {"train": 12_000, "validation": 6_000, "test": 6_000}
"""Examples of each split that are compared for near duplicates: the index holds every word triple in memory."""
NEAR = 0.9
_LONGEST_COMPARED = 4000
"""Characters of an input that are compared."""


class Survey:
    """`over` passes the examples on and remembers what a person wants to know of them."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(SPLITS, 0)
        self.shown: Example | None = None
        self._labels: Counter[tuple[str, str]] = Counter()
        self._outputs: set[str] = set()
        self._index, self._splits = DuplicateIndex(NEAR), dict[str, tuple[str, str]]()
        self._near: Counter[tuple[str, str]] = Counter()
        self._near_example: tuple[str, str] | None = None

    def over(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The same examples, looked at."""
        for example in examples:
            self.counts[example.split] += 1
            if self.shown is None and example.split == "train":
                self.shown = example
            self._count_label(example)
            if self.counts[example.split] <= NEAR_LOOKED_AT[example.split]:
                self._look_for_near(example)
            yield example

    def facts(self) -> dict[str, Any]:
        """Labels by split, and near duplicates by the splits of the two."""
        return {"labels": self._label_facts(), "near_duplicates": self._near_facts()}

    def _count_label(self, example: Example) -> None:
        if len(self._outputs) <= MOST_LABELS:
            self._outputs.add(example.output)
            self._labels[example.output, example.split] += 1

    def _look_for_near(self, example: Example) -> None:
        text = example.input[:_LONGEST_COMPARED]
        found = self._index.find(text)
        if found is None:
            self._index.add(example.id, text)
        else:
            split, other = self._splits[found[0]]
            self._near[tuple(sorted((split, example.split), key=SPLITS.index))] += 1  # type: ignore[index]
            self._near_example = self._near_example or (other, example.input)
        self._splits[example.id] = (example.split, example.input[:200])

    def _label_facts(self) -> dict[str, dict[str, int]] | None:
        total = sum(self.counts.values())
        # Outputs that hardly ever occur twice, or are long, are texts, however few there are.
        few = len(self._outputs) <= MOST_LABELS and len(self._outputs) * 2 <= total
        if not few or any(len(output) > LONGEST_LABEL for output in self._outputs):
            return None
        labels: dict[str, dict[str, int]] = {}
        for (label, split), count in sorted(self._labels.items(), key=lambda item: (-item[1], item[0])):
            labels.setdefault(label, dict.fromkeys(SPLITS, 0))[split] = count
        return labels

    def _near_facts(self) -> dict[str, Any]:
        pairs = {f"{a} and {b}" if a != b else a: count for (a, b), count in sorted(self._near.items())}
        return {
            "looked_at": len(self._splits), "count": self._near.total(), "in": pairs,
            "between_splits": sum(count for (a, b), count in self._near.items() if a != b),
            "example": list(self._near_example or ()),
        }  # fmt: skip
