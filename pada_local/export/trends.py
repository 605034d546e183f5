"""How patterns shrink: of the failures that one stood for, those that are still failures after each later round."""

from typing import Any

import msgspec

from pada_local.export.scores import Scores
from pada_local.recipe import Recipe
from pada_local.records import Analysis, Pattern, RecipeRow, Round, Run


def pattern_trends(project: Any, scores: Scores, run: Run) -> dict[str, list[tuple[int, int]]]:
    """For each pattern of a run, by its id: (round, failures left) from its own round on, where it has all of them."""
    below = failure_limit(project, run)
    rounds = sorted(project.get(Round, run_id=run.id), key=lambda row: row.number)
    values = {row.number: scores.of(row.adapter_id, "validation").values for row in rounds if row.adapter_id}
    examples = {row.id: row.example_id for row in project.get(Analysis, run_id=run.id)}
    trends = {}
    for pattern in project.get(Pattern, run_id=run.id):
        behind = [examples[one] for one in pattern.members if one in examples]
        left = [
            (number, sum(of_round.get(one, 0.0) < below for one in behind))
            for number, of_round in values.items()
            if number > pattern.round and of_round
        ]
        trends[pattern.id] = [(pattern.round, pattern.failures), *left]
    return trends


def failure_limit(project: Any, run: Run) -> float:
    """The score below which a validation example counted as failed in this run."""
    return recipe_of(project, run).loop.failure_below


def recipe_of(project: Any, run: Run) -> Recipe:
    """The recipe as the run used it; one with every field's default where the file does not hold it."""
    row = project.one(RecipeRow, id=run.recipe_id)
    return msgspec.json.decode(row.body, type=Recipe, strict=False) if row else Recipe(name="")
