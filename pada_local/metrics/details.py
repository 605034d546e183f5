"""Figures beside the mean that some metrics have: macro-F1 of labels, the share of right answers per JSON field."""

from collections import Counter
from collections.abc import Sequence

from pada_local.metrics.choice import label
from pada_local.metrics.fields import equal_fields, json_object

Pairs = Sequence[tuple[str, str]]
"""Answer and reference."""


def macro_f1(pairs: Pairs) -> float:
    """Mean over the labels of the references of 2·hits / (times answered + times expected); each label counts the same."""
    labels = [(label(answer), label(reference)) for answer, reference in pairs]
    hits = Counter(wanted for got, wanted in labels if got == wanted)
    answered, expected = Counter(got for got, _ in labels), Counter(wanted for _, wanted in labels)
    return sum(2 * hits[name] / (answered[name] + expected[name]) for name in expected) / len(expected)


def field_accuracy(pairs: Pairs) -> dict[str, float]:
    """For each field of the references: in which share of the objects that have it the answer has it right."""
    right, there = Counter[str](), Counter[str]()
    for answer, reference in pairs:
        wanted = json_object(reference) or {}
        there.update(wanted)
        right.update(equal_fields(json_object(answer) or {}, wanted))
    return {name: right[name] / there[name] for name in sorted(there)}


def details(metric: str, pairs: Pairs) -> dict[str, object]:
    """What the metric has to say beyond its mean; empty for most."""
    if not pairs:
        return {}
    if metric == "label_accuracy":
        return {"macro_f1": macro_f1(pairs)}
    if metric in ("json_fields", "json_whole"):
        return {"fields": field_accuracy(pairs)}
    return {}
