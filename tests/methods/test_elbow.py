"""Choosing k on given inertia curves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.methods.elbow import accept_k, choose_k, k_max, widest_gap

CURVES = [
    ([100.0, 45.0, 1.2, 1.1, 1.0, 0.95, 0.9], 3),
    ([100.0, 10.0, 9.0, 8.5, 8.0], 2),
    ([5.0], 1),
    ([0.0, 0.0, 0.0], 1),
    ([3.0, 3.0, 3.0], 1),
    ([4.0, 3.0, 2.0, 1.0], 1),
    ([100.0, 45.0, 1.2, 7.0, 1.0, 2.0, 0.9], 3),
    ([2.0, 5.0, 9.0], 1),
    ([9.0, 1.0], 1),
]


@pytest.mark.parametrize(("inertia", "k"), CURVES)
def test_elbow(inertia, k):
    assert choose_k(inertia) == k


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=10))
def test_k_is_in_range_and_scale_does_not_matter(inertia):
    k = choose_k(inertia)
    assert 1 <= k <= len(inertia)
    assert choose_k([4 * value for value in inertia]) == k


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=10))
def test_a_rise_in_inertia_counts_as_flat(inertia):
    flat = [min(inertia[: place + 1]) for place in range(len(inertia))]
    assert choose_k(inertia) == choose_k(flat)


@pytest.mark.parametrize("inertia", [[], [1.0, float("nan")], [float("inf"), 1.0]])
def test_broken_curves_are_refused(inertia):
    with pytest.raises(ValueError):
        choose_k(inertia)


@pytest.mark.parametrize(
    ("failures", "distinct", "k"), [(60, 60, 9), (64, 64, 10), (400, 400, 10), (8, 8, 4), (60, 1, 1), (60, 3, 3), (0, 0, 1)]
)
def test_k_max(failures, distinct, k):
    assert k_max(failures, distinct) == k


@pytest.mark.parametrize(
    ("k", "silhouette", "failures", "accepted"),
    [(3, 0.9, 60, 3), (3, 0.15, 60, 3), (3, 0.149, 60, 1), (3, 0.9, 7, 1), (3, 0.9, 8, 3), (1, 0.0, 60, 1)],
)
def test_one_pattern_stands_unless_the_split_is_believable(k, silhouette, failures, accepted):
    assert accept_k(k, silhouette, failures) == accepted


@pytest.mark.parametrize(("silhouette", "k"), [([0.0], 1), ([0.0, 0.2, 0.7, 0.7], 3), ([0.0, -0.1], 1)])
def test_the_highest_silhouette_wins_and_the_smaller_of_equals(silhouette, k):
    assert widest_gap(silhouette) == k


def test_no_silhouettes_are_refused():
    with pytest.raises(ValueError, match="non-empty"):
        widest_gap([])
