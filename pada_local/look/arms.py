"""Two arms side by side: a round of one run against a round of another, example by example."""

from typing import Any

from pada_local.errors import UsageError
from pada_local.export.report import find_run
from pada_local.export.scores import Scores, interval, rounded
from pada_local.metrics.compare import compare_scores
from pada_local.records import Analysis, Pattern, Prediction, Round, Run, TestLook

MOST_ITEMS = 500


def side_by_side(project: Any, a: dict[str, Any], b: dict[str, Any], split: str = "validation") -> dict[str, Any]:
    """b against a on one split: the paired test, bars by slice and pattern, and the items that were fixed or newly broken.

    An arm is {"run": id, "round": number}. Test items are shown when both runs are done, never before. Raises UsageError.
    """
    if split not in ("validation", "test"):
        raise UsageError("Arms are compared on validation or test examples.")
    scores, runs = Scores(project), project.get(Run)
    chosen = [(find_run(runs, str(arm.get("run"))), int(arm.get("round") or 0)) for arm in (a, b)]
    if split == "test" and any(run.state != "done" for run, _ in chosen):
        raise UsageError("Test examples stay hidden until both runs are done.", fix="Compare on validation examples.")
    adapters = [_adapter(project, run, number, split) for run, number in chosen]
    left, right = (scores.of(adapter, split).values for adapter in adapters)
    shared = sorted(left.keys() & right.keys())
    if not shared:
        raise UsageError(f"The two arms have no scored {split} example in common.", "One of them was not scored on them yet.")
    found = compare_scores(left, right)
    answer = {
        "split": split, "metric": scores.metric,
        "a": interval([left[one] for one in shared]), "b": interval([right[one] for one in shared]),
        "difference": {"difference": found.difference, "low": found.low, "high": found.high, "p": found.p, "n": found.n},
        "by_slice": _bars(scores.slices(split), left, right),
        "by_pattern": _bars(_patterns(project, chosen), left, right) if split == "validation" else {},
        "fixed": [one for one in shared if left[one] < right[one]][:MOST_ITEMS],
        "broken": [one for one in shared if left[one] > right[one]][:MOST_ITEMS],
    }  # fmt: skip
    return rounded(answer) | {"items": _items(project, scores, split, adapters, [*answer["fixed"], *answer["broken"]])}


def _adapter(project: Any, run: Run, number: int, split: str) -> str:
    """Of a test score only the champion's counts: no other round has looked at the test examples."""
    if split == "test":
        look = project.one(TestLook, run_id=run.id)
        return look.adapter_id if look else ""
    row = project.one(Round, run_id=run.id, number=number or run.champion_round or 1)
    return row.adapter_id if row else ""


def _patterns(project: Any, chosen: list[tuple[Run, int]]) -> dict[str, list[str]]:
    """Example ids by pattern: those of the first round of the first arm's run that has any, else of the second's."""
    for run, _ in chosen:
        patterns = project.get(Pattern, run_id=run.id)
        first = min((one.round for one in patterns), default=0)
        examples = {row.id: row.example_id for row in project.get(Analysis, run_id=run.id, round=first)}
        if patterns:
            return {
                one.name or "(no name)": [examples[member] for member in one.members if member in examples]
                for one in patterns
                if one.round == first
            }
    return {}


def _bars(groups: dict[str, list[str]], left: dict[str, float], right: dict[str, float]) -> dict[str, dict[str, float]]:
    bars = {}
    for name, ids in groups.items():
        shared = [one for one in ids if one in left and one in right]
        if shared:
            means = (sum(side[one] for one in shared) / len(shared) for side in (left, right))
            bars[name] = dict(zip(("a", "b"), means, strict=True)) | {"n": len(shared)}
    return bars


def _items(project: Any, scores: Scores, split: str, adapters: list[str], ids: list[str]) -> dict[str, dict[str, str]]:
    """Input, reference and both answers of each example."""
    examples = {row.id: row for row in scores.examples[split]}
    texts = [
        {row.example_id: row.text for row in project.get(Prediction, adapter_id=adapter, example_id=ids)} for adapter in adapters
    ]
    return {
        one: {"input": examples[one].input, "expected": examples[one].output, "a": texts[0].get(one, ""),
              "b": texts[1].get(one, "")}
        for one in ids
    }  # fmt: skip
