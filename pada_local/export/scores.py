"""Scores of one adapter on one split, with intervals and by slice: what every part of the report counts with."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pada_local.metrics.compare import bootstrap_interval
from pada_local.metrics.details import details
from pada_local.records import Example, Prediction, ScoreRow, Setting


@dataclass(frozen=True)
class Scored:
    """Values by example id; `unscored` answers exist but could not be scored, which is not zero."""

    values: dict[str, float]
    unscored: int
    pairs: list[tuple[str, str]]
    """Answer and reference of every scored example."""
    decoding: dict[str, Any]
    """How the answers were computed: backend, dtype, device and the largest batch."""


class Scores:
    """Reads examples once and answers for any adapter."""

    def __init__(self, project: Any) -> None:
        self._project = project
        self._known: dict[tuple[str, str], Scored] = {}
        setting = project.one(Setting, key="metric")
        self.metric = setting.value if setting else ""
        self.examples = {split: project.get(Example, split=split) for split in ("train", "validation", "test")}

    def of(self, adapter_id: str, split: str) -> Scored:
        """What the student with this adapter scored on a split; a later answer to an example replaces an earlier one."""
        if (adapter_id, split) not in self._known:
            self._known[adapter_id, split] = self._read(adapter_id, split) if adapter_id else NOTHING
        return self._known[adapter_id, split]

    def _read(self, adapter_id: str, split: str) -> Scored:
        wanted = {example.id: example.output for example in self.examples[split]}
        answers = {row.id: row for row in self._project.get(Prediction, adapter_id=adapter_id) if row.example_id in wanted}
        if not answers:
            return NOTHING
        rows = self._project.get(ScoreRow, prediction_id=list(answers), metric=self.metric)
        by_prediction = {row.prediction_id: row.value for row in rows}
        latest = {row.example_id: row for row in answers.values() if by_prediction.get(row.id) is not None}
        values = {example: by_prediction[row.id] for example, row in latest.items()}
        # A copy without private examples has no references to compare with, and an empty one is no right answer.
        pairs = [(row.text, wanted[example]) for example, row in latest.items() if wanted[example]]
        unscored = sum(by_prediction.get(key) is None for key in answers)
        return Scored(values, unscored, pairs, _how(list(answers.values())))

    def slices(self, split: str) -> dict[str, list[str]]:
        """Example ids by slice. The tag `slice` names slices by its value, any other tag by `tag=value`."""
        found: dict[str, list[str]] = defaultdict(list)
        for example in self.examples[split]:
            for tag, value in example.tags.items():
                found[value if tag == "slice" else f"{tag}={value}"].append(example.id)
        return dict(sorted(found.items()))

    def summary(self, adapter_id: str, split: str) -> dict[str, Any] | None:
        """Mean, interval, count and the same by slice; None when nothing was scored."""
        scored = self.of(adapter_id, split)
        if not scored.values:
            return None
        by_slice, slices = {}, {}
        for name, ids in self.slices(split).items():
            values = [scored.values[key] for key in ids if key in scored.values]
            if values:
                slices[name] = interval(values)
                by_slice[name] = slices[name]["mean"]
        whole = {"metric": self.metric, **interval(list(scored.values.values())), "unscored": scored.unscored}
        beside = {"details": details(self.metric, scored.pairs), "decoding": scored.decoding}
        return whole | beside | {"by_slice": by_slice, "slices": slices}


NOTHING = Scored({}, 0, [], {})


def _how(predictions: list[Prediction]) -> dict[str, Any]:
    """What the answers' scores depend on besides the student: compare only like with like."""
    facts: dict[str, Any] = {}
    for name in ("backend", "base_precision", "dtype", "device"):
        there = sorted({str(row.decoding[name]) for row in predictions if row.decoding.get(name)})
        facts |= {name: ", ".join(there)} if there else {}
    largest = max((int(row.decoding.get("batch_size") or 0) for row in predictions), default=0)
    return facts | ({"batch_size": largest} if largest else {})


def interval(values: Sequence[float]) -> dict[str, float | int]:
    """Mean, 95% bootstrap interval and count, as the report writes them."""
    found = bootstrap_interval(values)
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}


def rounded(value: Any, digits: int = 6) -> Any:
    """The same facts with floats cut to what they can mean; a report is read by people and compared by tests."""
    if isinstance(value, float):
        return round(value, digits) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(part, digits) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part, digits) for part in value]
    return value
