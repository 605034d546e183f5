"""What only the world knows: how well patterns match the true slices, what the samples are worth, what the gate lets through.

Everything is counted from a project's rows, as plain dicts, after the fact; the loop never sees the oracle.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import msgspec

from pada_local.demo import oracle
from pada_local.metrics.statistics import adjusted_rand, auc, purity, recalled

FLOORS = {"slice_recall": 0.8, "right": 0.95, "gate_auc": 0.8}
"""What the mean over at least ten drawn sets of missing slices has to reach."""
FEWEST_WORLDS = 10
Rows = Sequence[Mapping[str, Any]]


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The bench's figures for one run on one drawn world; None where there is nothing to count."""

    failures: int
    patterns: int
    adjusted_rand: float | None
    purity: float | None
    slice_recall: float | None
    """Share of the missing slices with failures that are recalled."""
    selected: int
    in_weak_slices: float | None
    right: float | None
    """Share of accepted samples whose output is the oracle's."""
    judge_precision: float | None
    judge_recall: float | None
    wrong_seen: int
    """Wrong samples that reached the judge, and how many of them it refused."""
    wrong_refused: int
    gate_auc: float | None
    gain: dict[str, float] = {}
    """Test accuracy minus vanilla's by slice."""


def measure(missing: Sequence[str], slices: Mapping[str, str], analyses: Rows, patterns: Rows, candidates: Rows,
            verdicts: Rows, answers: Mapping[str, str], gain: Mapping[str, float] | None = None) -> Measures:  # fmt: skip
    """`slices`: example id to true slice; analyses and patterns of one round; `answers`: call key to the judge's own answer."""
    of_analysis = {row["id"]: slices[row["example_id"]] for row in analyses if row["example_id"] in slices}
    grouped = [(row["number"], of_analysis[one]) for row in patterns for one in row["members"] if one in of_analysis]
    groups, truth = [number for number, _ in grouped], [true for _, true in grouped]
    found = [hit for hit in (recalled(groups, truth, name) for name in missing) if hit is not None]
    right = {row["id"]: oracle.label(row["input"]) == row["output"] for row in candidates}
    selected = [row for row in candidates if row["selected"]]
    weak = [bool(set(oracle.slices(row["input"])) & set(missing)) for row in selected]
    accepted = [right[row["id"]] for row in candidates if row["state"] == "accepted"]
    judged = _judged(candidates, verdicts)
    passed = {row["id"]: row["state"] == "accepted" for row in judged}
    wrong = [one for one in passed if not right[one]]
    good = [passed[one] for one in passed if right[one]]
    return Measures(
        failures=len(truth), patterns=len(patterns), adjusted_rand=adjusted_rand(groups, truth) if groups else None,
        purity=purity(groups, truth) if groups else None, slice_recall=_mean(found), selected=len(selected),
        in_weak_slices=_mean(weak), right=_mean(accepted),
        judge_precision=_mean([right[one] for one in passed if passed[one]]), judge_recall=_mean(good),
        wrong_seen=len(wrong), wrong_refused=sum(not passed[one] for one in wrong),
        gate_auc=_gate_auc(judged, verdicts, answers, passed, right), gain=dict(gain or {}),
    )  # fmt: skip


def _judged(candidates: Rows, verdicts: Rows) -> list[Mapping[str, Any]]:
    """Samples that came as far as the judge's own answer."""
    asked = {row["candidate_id"] for row in verdicts if row["criterion"] == "rederive"}
    return [row for row in candidates if row["id"] in asked]


def _gate_auc(judged: Rows, verdicts: Rows, answers: Mapping[str, str], passed: Mapping[str, bool], right: Mapping[str, bool]):
    """Right samples against wrong ones and twins: each right sample's input with one field of its line changed.

    The judge answers an input without seeing the output, so its stored answer says what it would have said of the twin.
    """
    calls = {row["candidate_id"]: row["calls"] for row in verdicts if row["criterion"] == "rederive"}
    good = [float(passed[row["id"]]) for row in judged if right[row["id"]]]
    bad = [float(passed[row["id"]]) for row in judged if not right[row["id"]]]
    for row in judged:
        wrong = twin(row["output"], row["id"])
        if right[row["id"]] and wrong:
            own = [answers[call] for call in calls[row["id"]] if call in answers]
            bad.append(float(bool(own) and own[0] == wrong))
    return auc(good, bad) if good and bad else None


def twin(line: str, key: str) -> str:
    """The line with one field changed to another value of its kind; "" for a line that is none of this world's."""
    fields = dict(part.split(": ", 1) for part in line.split("; ") if ": " in part)
    if not fields.keys() >= {"age", "sex", "temp"} or not fields["age"].isdigit():
        return ""
    chance = random.Random(f"twin-{key}")
    temps = [name for name in ("normal", "high", "none") if name != fields["temp"]]
    changed = {
        "age": str(int(fields["age"]) + chance.choice((-10, -1, 1, 10))), "sex": "F" if fields["sex"] == "M" else "M",
        "temp": chance.choice(temps),
    }  # fmt: skip
    name = chance.choice(sorted(changed))
    return "; ".join(f"{one}: {changed[name] if one == name else value}" for one, value in fields.items())


def summarise(measures: Sequence[Measures]) -> dict[str, float | int | None]:
    """Means over the drawn worlds, each world counting the same; None where no world has the figure."""
    names = ("failures", "patterns", "adjusted_rand", "purity", "slice_recall", "selected", "in_weak_slices", "right",
             "judge_precision", "judge_recall", "gate_auc")  # fmt: skip
    found: dict[str, float | int | None] = {"worlds": len(measures)}
    for name in names:
        found[name] = _mean([getattr(one, name) for one in measures if getattr(one, name) is not None])
    found |= {name: sum(getattr(one, name) for one in measures) for name in ("wrong_seen", "wrong_refused")}
    return found


def gain_by_slice(measures: Sequence[Measures]) -> dict[str, float]:
    """Mean gain of each slice over the worlds."""
    gains: dict[str, list[float]] = defaultdict(list)
    for one in measures:
        for name, value in one.gain.items():
            gains[name].append(value)
    return {name: mean(values) for name, values in sorted(gains.items())}


def _mean(values: Sequence[float | bool]) -> float | None:
    return sum(values) / len(values) if values else None
