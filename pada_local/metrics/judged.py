"""`judge`: answers that no rule can score are graded by the judge model; only an answer that equals the reference needs none."""

from pada_local.metrics.exact import normalised
from pada_local.metrics.registry import METRICS, Metric, Score

NAME = "judge"
WAITS = "waits for the judge"


def _compare(predicted: str, expected: str) -> Score:
    if normalised(predicted) == normalised(expected):
        return Score(1.0, "the answer equals the reference")
    return Score(None, WAITS)


METRICS[NAME] = Metric(NAME, "the judge model's grade, from 0 to 1, of answers that differ", _compare, lambda output: "")
