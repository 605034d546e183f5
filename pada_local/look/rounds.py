"""Every run's rounds with their scores, and nothing that takes longer to compute."""

from functools import lru_cache
from typing import Any

from pada_local.export.scores import interval, rounded
from pada_local.records import Round, Run, Setting, TestLook

_VALUES = """
    SELECT p.adapter_id, e.split, p.example_id, s.value
    FROM predictions p JOIN examples e ON e.id = p.example_id JOIN scores s ON s.prediction_id = p.id
    WHERE s.metric = ? AND s.value IS NOT NULL AND e.split <> 'train' AND p.adapter_id IN (SELECT unnest(?::VARCHAR[]))
    ORDER BY p.row_order
"""


def scored_rounds(project: Any) -> list[dict[str, Any]]:
    """Runs, oldest first: id, recipe, champion_round, rounds with their validation interval, the champion's test interval.

    The numbers are those of `export.scores`. Asked for again and again while a run goes on, so no text is read.
    """
    runs, rounds = project.get(Run), project.get(Round)
    looks = {row.run_id: row for row in reversed(project.get(TestLook))}
    setting = project.one(Setting, key="metric")
    asked = {row.adapter_id for row in rounds} | {row.adapter_id for row in looks.values()}
    values: dict[tuple[str, str], dict[str, float]] = {}
    for adapter, split, example, value in project.sql(_VALUES, [setting.value if setting else "", sorted(asked)]):
        values.setdefault((adapter, split), {})[example] = value  # a later answer to an example replaces an earlier one

    def scored(adapter_id: str, split: str) -> dict[str, Any] | None:
        there = values.get((adapter_id, split)) if adapter_id else None
        return dict(_interval(tuple(there.values()))) if there else None

    found = []
    for run in runs:
        look, own = looks.get(run.id), sorted((row for row in rounds if row.run_id == run.id), key=lambda row: row.number)
        found.append(rounded({
            "id": run.id, "recipe": run.recipe, "seed": run.seed, "state": run.state, "champion_round": run.champion_round,
            "rounds": [{"round": row.number, "validation": scored(row.adapter_id, "validation")} for row in own],
            "test": scored(look.adapter_id, "test") if look and run.state == "done" else None,
        }))  # fmt: skip
    return found


@lru_cache(maxsize=256)
def _interval(values: tuple[float, ...]) -> dict[str, float | int]:
    return interval(values)
