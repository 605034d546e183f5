"""Intervals and paired tests."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.errors import UsageError
from pada_local.metrics.compare import bootstrap_interval, compare_scores, mcnemar_exact, paired_bootstrap

UNIT = st.floats(0, 1)


@given(values=st.lists(UNIT, min_size=1, max_size=30), seed=st.integers(0, 5))
def test_an_interval_holds_its_mean_and_is_the_same_every_time(values, seed):
    found = bootstrap_interval(values, seed, resamples=200)
    assert found.n == len(values) and found.low <= found.high
    assert min(values) - 1e-9 <= found.low and found.high <= max(values) + 1e-9
    assert found == bootstrap_interval(values, seed, resamples=200)


def test_the_interval_of_a_share_agrees_with_the_normal_approximation():
    found = bootstrap_interval([1.0] * 300 + [0.0] * 100)
    assert found.mean == 0.75
    assert found.low == pytest.approx(0.75 - 0.0424, abs=0.008) and found.high == pytest.approx(0.75 + 0.0424, abs=0.008)


def test_four_hundred_items_take_less_than_two_seconds():
    start = time.process_time()
    bootstrap_interval([0.0, 1.0] * 200)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("b01", "b10", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (6, 0, 0.03125), (0, 6, 0.03125), (10, 2, 0.03857421875), (9, 1, 0.021484375)],
)
def test_mcnemar_reference_values(b01, b10, p):
    assert mcnemar_exact(b01, b10) == p


def test_mcnemar_does_not_overflow():
    assert 0 <= mcnemar_exact(3000, 1000) < 1e-200


def test_equal_scores_differ_by_nothing():
    found = paired_bootstrap([0.2, 0.9, 0.4], [0.2, 0.9, 0.4])
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_clear_gain_is_found_and_turns_its_sign_with_the_sides():
    a = [0.1 + 0.01 * (place % 7) for place in range(60)]
    b = [value + 0.2 + 0.01 * (place % 3) for place, value in enumerate(a)]
    gain, loss = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert gain.low > 0.19 and gain.p < 0.001
    assert loss.difference == pytest.approx(-gain.difference) and loss.high < 0


def test_runs_are_paired_by_example_id():
    a = {"x": 0.0, "y": 1.0, "only a": 0.0}
    b = {"y": 1.0, "x": 1.0, "only b": 0.0}
    found = compare_scores(a, b)
    assert found.n == 2 and found.difference == 0.5 and found.p == 1.0


def test_right_or_wrong_scores_get_mcnemars_p():
    a = {str(item): float(item >= 10) for item in range(40)}
    b = {str(item): float(item not in (20, 21)) for item in range(40)}
    assert compare_scores(a, b).p == mcnemar_exact(10, 2)


def test_nothing_to_compare_is_refused():
    with pytest.raises(UsageError):
        compare_scores({"x": 1.0}, {"y": 1.0})
    with pytest.raises(ValueError):
        bootstrap_interval([])
