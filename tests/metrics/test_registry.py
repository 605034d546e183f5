"""What every metric shares: names, empty texts, references that cannot be checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pada_local.metrics  # noqa: F401  (registers the built-in metrics)
from pada_local.errors import UsageError
from pada_local.metrics.registry import METRICS, Score, check_references, equal, format_error, metric, score

NAMES = [
    "exact_match", "json_fields", "json_whole", "judge", "label_accuracy", "normalised_match", "numeric_match", "rouge_l",
    "token_f1",
]  # fmt: skip


def test_the_built_in_metrics_are_registered_and_described():
    assert sorted(METRICS) == sorted(NAMES)
    assert all(entry.description for entry in METRICS.values())


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UsageError) as refused:
        score("exactmatch", "a", "a")
    assert "exactmatch" in refused.value.title and "exact_match" in refused.value.detail


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_output_has_a_format_error_an_empty_answer_is_wrong_and_an_empty_reference_is_unscored(name):
    good = '{"a": 1}'
    assert format_error(name, " \n") and not format_error(name, good)
    assert score(name, "  ", good).value == 0.0
    assert score(name, good, "").value is None
    assert not equal(name, good, "")


@pytest.mark.parametrize("name", NAMES)
@given(predicted=st.text(max_size=60), expected=st.text(max_size=60))
def test_scores_lie_between_0_and_1_and_say_why(name, predicted, expected):
    found = score(name, predicted, expected)
    assert found.why and (found.value is None or 0.0 <= found.value <= 1.0)


@pytest.mark.parametrize("name", NAMES)
@given(output=st.one_of(st.text(max_size=60), st.integers().map(str), st.dictionaries(st.text(), st.integers()).map(str)))
def test_a_reference_without_format_error_scores_1_against_itself(name, output):
    assert check_references(name, [output]) == ([0] if format_error(name, output) else [])


def test_references_that_fail_are_named_by_position():
    assert check_references("numeric_match", ["5", "five", "#### 6", ""]) == [1, 3]


def test_a_new_metric_is_one_decorated_function():
    @metric("starts_alike", description="for this test")
    def starts_alike(predicted: str, expected: str) -> Score:
        return Score(float(predicted[0] == expected[0]), "first letters")

    try:
        assert equal("starts_alike", "ab", "ac")
    finally:
        del METRICS["starts_alike"]
