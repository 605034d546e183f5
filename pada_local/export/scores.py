"""Scores of one adapter on one split, with intervals and by slice: what every part of the report counts with."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pada_local.metrics.compare import bootstrap_interval
from pada_local.records import Example, Prediction, ScoreRow, Setting


@dataclass(frozen=True)
class Scored:
    """Values by example id; `unscored` answers exist but could not be scored, which is not zero."""

    values: dict[str, float]
    unscored: int


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
            self._known[adapter_id, split] = self._read(adapter_id, split) if adapter_id else Scored({}, 0)
        return self._known[adapter_id, split]

    def _read(self, adapter_id: str, split: str) -> Scored:
        wanted = {example.id for example in self.examples[split]}
        answers = {row.id: row.example_id for row in self._project.get(Prediction, adapter_id=adapter_id)}
        answers = {key: example for key, example in answers.items() if example in wanted}
        if not answers:
            return Scored({}, 0)
        values: dict[str, float] = {}
        rows = self._project.get(ScoreRow, prediction_id=list(answers), metric=self.metric)
        by_prediction = {row.prediction_id: row.value for row in rows}
        unscored = 0
        for prediction, example in answers.items():
            value = by_prediction.get(prediction)
            if value is None:
                unscored += 1
            else:
                values[example] = value
        return Scored(values, unscored)

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
        return whole | {"by_slice": by_slice, "slices": slices}


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
