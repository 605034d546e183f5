"""The loss curve of an adapter, short enough for a report."""

from typing import Any

from pada_local.records import TrainingStep

MOST_POINTS = 200


def loss_curve(project: Any, adapter_id: str) -> list[list[float]]:
    """[step, loss] in order; of a long training evenly chosen steps, with the first and the last."""
    steps = sorted(project.get(TrainingStep, adapter_id=adapter_id), key=lambda row: row.step) if adapter_id else []
    if len(steps) > MOST_POINTS:
        steps = [steps[at * (len(steps) - 1) // (MOST_POINTS - 1)] for at in range(MOST_POINTS)]
    return [[row.step, row.loss] for row in steps]
