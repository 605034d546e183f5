"""Every run's rounds with their scores, and nothing that takes longer to compute."""

from typing import Any

from pada_local.export.scores import Scores, interval, rounded
from pada_local.records import Round, Run, TestLook


def scored_rounds(project: Any) -> list[dict[str, Any]]:
    """Runs, oldest first: id, recipe, champion_round, rounds with their validation interval, the champion's test interval."""
    scores = Scores(project)

    def scored(adapter_id: str, split: str) -> dict[str, Any] | None:
        values = list(scores.of(adapter_id, split).values.values()) if adapter_id else []
        return interval(values) if values else None

    runs = []
    for run in project.get(Run):
        look = project.one(TestLook, run_id=run.id)
        rounds = sorted(project.get(Round, run_id=run.id), key=lambda row: row.number)
        runs.append(rounded({
            "id": run.id, "recipe": run.recipe, "seed": run.seed, "state": run.state, "champion_round": run.champion_round,
            "rounds": [{"round": row.number, "validation": scored(row.adapter_id, "validation")} for row in rounds],
            "test": scored(look.adapter_id, "test") if look and run.state == "done" else None,
        }))  # fmt: skip
    return runs
