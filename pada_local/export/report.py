"""The report: how much better the student became, and why. One dict with every figure, read from rows alone."""

from collections import Counter
from itertools import combinations
from typing import Any

import msgspec

from pada_local.errors import UsageError
from pada_local.export.cost import teacher_use
from pada_local.export.losses import loss_curve
from pada_local.export.panel import quality_panel
from pada_local.export.rates import rates_of_run
from pada_local.export.scores import Scores, interval, rounded
from pada_local.export.study import plans, study_runs, study_table
from pada_local.export.trends import pattern_trends
from pada_local.metrics.compare import compare_scores
from pada_local.metrics.weakness import Rate
from pada_local.records import (
    Adapter,
    Analysis,
    Candidate,
    JudgeAudit,
    Pattern,
    Round,
    Run,
    Setting,
    Strategy,
    TestLook,
    Verdict,
)  # fmt: skip

FEW_FAILURES = 30
MANY_RUNS = 8
STATES = ("accepted", "rejected", "duplicate", "leaked", "unparsable", "pending")


def build_report(project: Any) -> dict[str, Any]:
    """Every run and every pair of runs, as plain data (the JSON of `pada report --format json`)."""
    scores = Scores(project)
    settings = {row.key: row.value for row in project.get(Setting)}
    runs = project.get(Run)
    built = [_run(project, scores, run) for run in runs]
    pairs = [_pair(project, scores, first, second) for first, second in _pairs(runs)]
    whole = {
        "project": {
            "task": settings.get("task", ""), "metric": scores.metric, "student": settings.get("student", ""),
            "teacher": settings.get("teacher", ""), "judge": settings.get("judge", ""),
            "examples": {split: len(rows) for split, rows in scores.examples.items()},
        },
        "runs": built, "comparisons": [pair for pair in pairs if pair is not None], "notes": _notes(built, settings),
    }  # fmt: skip
    whole["studies"] = [study_table(plan, [study_runs(project, plan)]) for plan in plans(project)]
    if missing := settings.get("missing_slices"):  # only the demo's world knows them
        whole["project"]["missing_slices"] = missing.split(", ")
    return rounded(whole)


def _pairs(runs: list[Run]) -> list[tuple[Run, Run]]:
    """Every two runs; of many runs, as a study makes them, only those of one seed whose first is vanilla."""
    pairs = list(combinations(runs, 2))
    return pairs if len(runs) <= MANY_RUNS else [(a, b) for a, b in pairs if a.recipe == "vanilla" and a.seed == b.seed]


def build_comparison(project: Any, first: str, second: str) -> dict[str, Any]:
    """Two runs on the same test examples, whole and by slice. Raises UsageError when either has no test score."""
    scores, runs = Scores(project), project.get(Run)
    a, b = find_run(runs, first), find_run(runs, second)
    if a.id == b.id:
        raise UsageError("A run cannot be compared with itself.", f"'{first}' and '{second}' are both run {a.id}.")
    pair = _pair(project, scores, a, b)
    if pair is None:
        without = a if not scores.of(_champion(project, a), "test").values else b
        fix = "Finish it with 'pada run', then compare again."
        raise UsageError(
            "The two runs have no test examples in common.", f"Run {without.id} ({without.recipe}) has no test score.", fix
        )
    left, right = (scores.of(_champion(project, run), "test").values for run in (a, b))
    by_slice = {}
    for name, ids in scores.slices("test").items():
        shared = {key for key in ids if key in left and key in right}
        if shared:
            by_slice[name] = _difference({key: left[key] for key in shared}, {key: right[key] for key in shared})
    shared = left.keys() & right.keys()
    counts = {"only_a_better": sum(left[k] > right[k] for k in shared), "only_b_better": sum(left[k] < right[k] for k in shared)}
    means = {"a_mean": interval([left[k] for k in sorted(shared)]), "b_mean": interval([right[k] for k in sorted(shared)])}
    return rounded(pair | means | counts | {"by_slice": by_slice})


def find_run(runs: list[Run], name: str) -> Run:
    """The run with this id, this start of an id, or this recipe. Raises UsageError when none or several fit."""
    fits = [run for run in runs if run.id == name] or [run for run in runs if name and run.id.startswith(name)]
    fits = fits or [run for run in runs if run.recipe == name]
    if len(fits) == 1:
        return fits[0]
    known = ", ".join(f"{run.id} ({run.recipe}, seed {run.seed}, {run.state})" for run in fits or runs) or "none"
    what = f"'{name}' fits {len(fits)} runs." if fits else f"There is no run '{name}'."
    raise UsageError(
        what, f"{'Those' if fits else 'The runs of this project'}: {known}.", "Name a run by its id or the start of it."
    )


def champion_adapter(project: Any, run: Run) -> str:
    """The adapter of the run's champion round; empty while there is none."""
    row = project.one(Round, run_id=run.id, number=run.champion_round) if run.champion_round else None
    return row.adapter_id if row else ""


def _champion(project: Any, run: Run) -> str:
    """The adapter whose test score counts for the run: the one that was looked at, once."""
    look = project.one(TestLook, run_id=run.id)
    return look.adapter_id if look else ""


def _run(project: Any, scores: Scores, run: Run) -> dict[str, Any]:
    rounds = sorted(project.get(Round, run_id=run.id), key=lambda row: row.number)
    left, rates = pattern_trends(project, scores, run), rates_of_run(project, scores, run)
    adapters = [project.one(Adapter, id=row.adapter_id) for row in rounds if row.adapter_id]
    audits = project.get(JudgeAudit, run_id=run.id)
    return {
        "id": run.id, "recipe": run.recipe, "seed": run.seed, "state": run.state, "reason": run.reason,
        "champion_round": run.champion_round, "judge_independent": run.judge_independent,
        "test_looks": project.count(TestLook, run_id=run.id),
        "teacher": teacher_use(project, scores, run), "tokens_trained": sum(row.train_tokens for row in adapters if row),
        "test": scores.summary(_champion(project, run), "test"),
        "judge_audits": [
            {"judge": row.judge, "kind": row.kind, "auc": row.auc, "threshold": row.threshold, "n": row.n, "used": row.used}
            for row in audits
        ],
        "rounds": [_round(project, scores, run, row, left, rates) for row in rounds],
        "quality": quality_panel(project, run, scores.examples["train"]),
    }  # fmt: skip


def _round(
    project: Any, scores: Scores, run: Run, row: Round, left: dict[str, list[tuple[int, int]]], rates: dict[str, Rate]
) -> dict[str, Any]:
    adapter = project.one(Adapter, id=row.adapter_id) if row.adapter_id else None
    values = list(scores.of(row.adapter_id, "validation").values.values())
    strategies = project.get(Strategy, run_id=run.id, round=row.number)
    text = {one.pattern_id: one.edited or one.drafted for one in strategies}
    patterns = sorted(project.get(Pattern, run_id=run.id, round=row.number), key=lambda one: one.number)
    train = {"examples": row.train_examples or 0, "seconds": row.train_seconds or 0.0,
             "losses": loss_curve(project, row.adapter_id)}  # fmt: skip
    return {
        "round": row.number, "state": row.state,
        "train": train | {"tokens": adapter.train_tokens if adapter else 0, "steps": adapter.steps if adapter else 0,
                          "backend": str(adapter.settings.get("backend", "")) if adapter else "",
                          "base_precision": str(adapter.settings.get("base_precision", "")) if adapter else ""},
        "validation": interval(values) if values else None,
        "validation_failures": project.count(Analysis, run_id=run.id, round=row.number),
        "patterns": [
            {"name": one.name, "text": one.text, "failures": one.failures, "strategy": text.get(one.id, ""),
             "rate": msgspec.to_builtins(rates[one.id]),
             "left": [{"round": number, "failures": count} for number, count in left[one.id][1:]]}
            for one in patterns
        ],
        "strategies_without_pattern": [one.edited or one.drafted for one in strategies if not one.pattern_id],
        **_candidates(project, run, row.number),
    }  # fmt: skip


def _candidates(project: Any, run: Run, number: int) -> dict[str, Any]:
    """How many samples came back and what became of each; the states add up to `generated`."""
    candidates = project.get(Candidate, run_id=run.id, round=number)
    states = Counter(one.state for one in candidates)
    refused = [one for one in candidates if one.state not in ("accepted", "pending")]
    verdicts = project.get(Verdict, candidate_id=[one.id for one in refused], passed=False) if refused else []
    failed: dict[str, str] = {}
    for verdict in verdicts:
        failed.setdefault(verdict.candidate_id, verdict.criterion)
    reasons = Counter(f"{one.state}: {failed.get(one.id) or one.reason[:60] or 'no reason given'}" for one in refused)
    return {
        "generated": len(candidates), "origins": dict(Counter(one.origin for one in candidates)),
        "selected": sum(one.selected for one in candidates),
        **{state: states[state] for state in STATES}, "reasons": dict(reasons.most_common()),
    }  # fmt: skip


def _pair(project: Any, scores: Scores, a: Run, b: Run) -> dict[str, Any] | None:
    """b minus a on the test examples that both scored; None when there are none."""
    left, right = (scores.of(_champion(project, run), "test").values for run in (a, b))
    if not left.keys() & right.keys():
        return None
    names = {"a": a.recipe, "b": b.recipe, "a_run": a.id, "b_run": b.id, "metric": scores.metric}
    return names | _difference(left, right)


def _difference(left: dict[str, float], right: dict[str, float]) -> dict[str, float | int]:
    found = compare_scores(left, right)
    return {"difference": found.difference, "low": found.low, "high": found.high, "p": found.p, "n": found.n}


def _notes(runs: list[dict[str, Any]], settings: dict[str, str]) -> list[str]:
    """What a reader must know before believing the figures."""
    notes = []
    guided = [run for run in runs if any(one["generated"] for one in run["rounds"])]
    if any(not run["judge_independent"] for run in guided):
        notes.append("The judge was not independent: the same model wrote the samples and judged them.")
    if any("validation_failure" in one["origins"] for run in runs for one in run["rounds"]):
        notes.append(
            "In an ablation, failed validation examples were shown to the writer on purpose: its validation score means nothing."
        )
    if any(name.startswith("http://") for name in (settings.get("teacher", ""), settings.get("judge", ""))):
        notes.append("The teacher is a server that this program did not start: that it keeps texts here cannot be proven.")
    if any(audit["used"] is False for run in runs for audit in run["judge_audits"]):
        notes.append("A check that could not tell right from wrong references in its audit is shown and did not decide.")
    if any(run["judge_audits"] and not any(audit["used"] for audit in run["judge_audits"]) for run in runs):
        notes.append("No check passed its audit: a sample was accepted only where the judge's own answer equalled its output.")
    few = sorted({one["validation_failures"] for run in runs for one in run["rounds"] if one["patterns"]})
    if few and few[0] < FEW_FAILURES:
        notes.append(f"Patterns found among fewer than {FEW_FAILURES} validation failures (here {few[0]}) are anecdotes.")
    if few:
        notes.append("A pattern is a name for some failures. It is a weakness only where its rate says so (pada explain rate).")
    if any(len(run["rounds"]) > 1 and run["champion_round"] for run in runs):
        notes.append("Validation chose the champion, so its validation score is optimistic; the test score is the one to quote.")
    if any(run["test_looks"] > 1 for run in runs):
        notes.append("A run has looked at the test set more than once; its test score is optimistic.")
    tested = [run for run in runs if run["test"]]
    if len(tested) > 1:
        notes.append(
            f"{len(tested)} runs were scored on the same test set; picking the best of them is a choice made on test data."
        )
    if any((run["test"] or {}).get("unscored") for run in runs):
        notes.append("Answers that could not be scored are left out of the means; they do not count as zero.")
    return notes
