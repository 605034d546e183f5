"""How the newest run of a project stands: numbers for one line of a list of projects."""

from typing import Any

import msgspec

from pada_local.export.scores import Scores, interval, rounded
from pada_local.records import RecipeRow, Round, Run, TestLook


def last_result(project: Any) -> dict[str, Any] | None:
    """The newest run: recipe, state, rounds, when it began, and from which score to which; None without a run.

    `best` has mean, low, high and n on `split`. That is test where the run was scored on it, else validation. `vanilla` is
    fine-tuning alone on the same split: of a run without new samples, or on validation of the run's own first round.
    """
    runs = project.get(Run)
    if not runs:
        return None
    run, scores = runs[-1], Scores(project)
    rounds = sorted(project.get(Round, run_id=run.id), key=lambda row: row.number)
    facts = {"recipe": run.recipe, "state": run.state, "rounds": len(rounds), "when": run.created_at, "metric": scores.metric}
    if tested := _tested(project, scores, run):
        plain = [found for one in runs[:-1] if _is_plain(project, one) and (found := _tested(project, scores, one))]
        found = {"split": "test", "vanilla": plain[-1]["mean"] if plain else None, "best": tested}
    else:
        means = {row.number: list(scores.of(row.adapter_id, "validation").values.values()) for row in rounds if row.adapter_id}
        scored = {number: interval(values) for number, values in means.items() if values}
        best = max(scored.values(), key=lambda one: one["mean"], default=None)
        found = {"split": "validation", "vanilla": scored[1]["mean"] if len(scored) > 1 and 1 in scored else None, "best": best}
    return rounded(facts | found)


def _tested(project: Any, scores: Scores, run: Run) -> dict[str, Any] | None:
    look = project.one(TestLook, run_id=run.id)
    values = list(scores.of(look.adapter_id, "test").values.values()) if look else []
    return interval(values) if values else None


def _is_plain(project: Any, run: Run) -> bool:
    """Whether the run fine-tuned on the training data alone."""
    row = project.one(RecipeRow, id=run.recipe_id)
    return bool(row) and msgspec.json.decode(row.body).get("loop", {}).get("augment") == "none"
