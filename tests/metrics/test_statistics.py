"""Exact tests, corrections, agreement of groupings and two-level intervals against reference values (scipy, sklearn, R)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.metrics.statistics import (
    adjusted_rand,
    auc,
    benjamini_hochberg,
    fisher_exact,
    holm,
    purity,
    recalled,
    wilson,
)
from pada_local.metrics.two_level import two_level_difference, two_level_interval


@pytest.mark.parametrize(
    ("table", "greater", "two"),
    [
        ((3, 1, 1, 3), 0.24285714285714288, 0.4857142857142857),  # Fisher's tea
        ((8, 2, 1, 5), 0.024475524475524476, 0.03496503496503496),
        ((10, 2, 20, 60), 0.00016616296063216135, 0.00016616296063216135),
        ((0, 5, 5, 0), 1.0, 0.007936507936507936),
        ((0, 0, 4, 7), 1.0, 1.0),
    ],
)
def test_fisher_reference_values(table, greater, two):
    assert fisher_exact(*table) == pytest.approx(greater)
    assert fisher_exact(*table, side="two") == pytest.approx(two)


def test_fisher_refuses_what_is_no_table():
    with pytest.raises(ValueError):
        fisher_exact(-1, 2, 3, 4)
    with pytest.raises(ValueError):
        fisher_exact(1, 2, 3, 4, side="less")


def test_holm_and_benjamini_hochberg_reference_values():
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([]) == benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_keep_the_order_and_never_help(p):
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert all(q >= raw - 1e-12 and q <= 1 for q, raw in zip(adjusted, p, strict=True))
        ranked = sorted(range(len(p)), key=lambda at: p[at])
        assert all(adjusted[a] <= adjusted[b] + 1e-12 for a, b in zip(ranked, ranked[1:], strict=False))
    assert all(strict >= mild - 1e-12 for strict, mild in zip(holm(p), benjamini_hochberg(p), strict=True))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775327998628892), (5, 10, 0.2365930905125640, 0.7634069094874360), (0, 0, 0.0, 1.0)],
)
def test_wilson_reference_values(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
        ([0, 0, 1, 2], [0, 0, 1, 1], 0.5714285714285714),
        ([0, 0, 0, 0], [0, 1, 2, 3], 0.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
        ([], [], 1.0),
    ],
)
def test_adjusted_rand_reference_values(a, b, value):
    assert adjusted_rand(a, b) == pytest.approx(value)


def test_adjusted_rand_of_chance_is_about_zero():
    chance = random.Random(1)
    values = [adjusted_rand(*([chance.randrange(4) for _ in range(60)] for _ in range(2))) for _ in range(200)]
    assert abs(sum(values) / len(values)) < 0.01


@pytest.mark.parametrize(
    ("good", "bad", "value"),
    [([0.8, 0.35], [0.1, 0.4], 0.75), ([1, 1], [1, 1], 0.5), ([2], [1], 1.0), ([1], [2], 0.0), ([], [1], 0.5)],
)
def test_auc_reference_values(good, bad, value):
    assert auc(good, bad) == value


def test_purity_and_recall_of_a_slice():
    groups, truth = [1, 1, 1, 2, 2, 3], ["a", "a", "b", "b", "b", "c"]
    assert purity(groups, truth) == pytest.approx(5 / 6)
    assert recalled(groups, truth, "a") is True  # both in a group of which two thirds are a
    assert recalled(groups, truth, "d") is None
    assert recalled([1, 1, 2, 2], ["a", "b", "a", "b"], "a") is False  # half, not over half
    assert recalled([1] * 5, ["a", "a", "b", "b", "b"], "a") is False  # all of a, but the group is mostly b


def scores(seeds, n, mean, spread, offset=0.0):
    chance = random.Random(7)
    levels = [mean + offset + spread * chance.gauss(0, 1) for _ in range(seeds)]
    return [{str(at): float(chance.random() < level) for at in range(n)} for level in levels]


def test_a_two_level_interval_is_wider_where_seeds_differ():
    calm, wild = two_level_interval(scores(8, 200, 0.6, 0.0)), two_level_interval(scores(8, 200, 0.6, 0.15))
    assert wild.high - wild.low > 1.5 * (calm.high - calm.low)
    assert wild.low < wild.mean < wild.high and wild.n == 8


def test_equal_seeds_leave_the_interval_of_the_examples_alone():
    one = {str(at): float(at < 300) for at in range(400)}
    found = two_level_interval([one] * 5)
    assert found.mean == 0.75
    assert found.low == pytest.approx(0.75 - 0.0424, abs=0.008) and found.high == pytest.approx(0.75 + 0.0424, abs=0.008)


def test_seeds_with_examples_of_their_own_are_nested():
    own = [{f"{seed}-{at}": float(at % 2) for at in range(100)} for seed in range(4)]
    found = two_level_interval(own)
    # Four seeds of 100: as 400 independent answers.
    assert found.mean == 0.5 and found.high - found.low == pytest.approx(2 * 1.96 * 0.025, abs=0.015)


def test_two_level_differences_are_paired_and_turn_their_sign_with_the_sides():
    a = scores(5, 150, 0.5, 0.1)
    b = [{key: min(1.0, value + 0.3) for key, value in one.items()} for one in a]
    gain, loss, nothing = two_level_difference(a, b), two_level_difference(b, a), two_level_difference(a, a)
    assert gain.low > 0 and gain.p < 0.01 and loss.difference == pytest.approx(-gain.difference)
    assert (nothing.difference, nothing.low, nothing.high, nothing.p) == (0, 0, 0, 1)
    assert gain == two_level_difference(a, b)


def test_nothing_to_resample_is_refused():
    for broken in ([], [{}]):
        with pytest.raises(ValueError):
            two_level_interval(broken)
    with pytest.raises(ValueError):
        two_level_difference([{"x": 1.0}], [])
