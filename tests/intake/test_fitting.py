"""The metric that is proposed for references of each kind."""

import json

import pytest

import pada_local.metrics as _  # noqa: F401 (registers them)
from pada_local.intake.fitting import EXACT, fitting_metric
from pada_local.metrics import registry

LONG = "The patient was seen for the second time this month and says that the cough has not changed since then at all, "
KINDS = {
    "labels": ([f"class {n % 7}" for n in range(60)], "label_accuracy", "7 short texts"),
    "labels of any case": (["Yes", "no", "yes", "No", "YES", "no", "yes"], "label_accuracy", "2 short texts"),
    "grades are labels": ([str(n % 5) for n in range(40)], "label_accuracy", "5 short texts"),
    "objects": ([json.dumps({"age": n, "sex": "F"}) for n in range(40)], "json_fields", "JSON object"),
    "two objects again and again": (['{"a": 1}', '{"a": 2}'] * 20, "json_fields", "JSON object"),
    "numbers": ([f"{n * 37 % 101}.5" for n in range(40)], "numeric_match", "is a number"),
    "money": ([f"${n},000" for n in range(1, 30)], "numeric_match", "is a number"),
    "reasoning that ends in a number": ([f"{n} and {n} are {2 * n}\n#### {2 * n}" for n in range(30)], "numeric_match", "####"),
    "free text": ([f"{LONG}{n} {LONG}" for n in range(20)], "token_f1", "free text"),
    "lines": ([f"age: {n}; sex: F; symptom: cough" for n in range(40)], EXACT, "neither"),
    "one answer for everything": (["yes"] * 30, EXACT, "neither"),
    "too few to say": (["yes", "no", "yes"], EXACT, "neither"),
    "one that is no object": ([f'{{"name": "somebody of the number {n}"}}' for n in range(20)] + ["none"], EXACT, "neither"),
    "nothing": ([], EXACT, "neither"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_proposed_metric_goes_by_what_the_references_are(kind):
    references, metric, why = KINDS[kind]
    found = fitting_metric(references)
    assert found.metric == metric and why in found.why and found.why.endswith(".")
    assert not registry.check_references(found.metric, references), "it scores every reference"


def test_a_metric_that_cannot_score_all_of_them_is_not_proposed():
    assert fitting_metric(["{}"] * 20 + ['{"a": 1}'] * 20).metric != "json_fields"
