"""Splits: exact, seeded, stratified, and blind to order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.data.split import split_examples
from pada_local.errors import UsageError

ITEMS = [(f"id{number}", f"label{number % 5}") for number in range(200)]


@given(seed=st.integers(0, 20), order=st.randoms())
def test_order_does_not_matter(seed, order):
    mixed = list(ITEMS)
    order.shuffle(mixed)
    assert split_examples(mixed, seed, (0.1, 0.2)) == split_examples(ITEMS, seed, (0.1, 0.2))


@given(seed=st.integers(0, 20))
def test_every_label_has_its_share(seed):
    split = split_examples(ITEMS, seed, (0.1, 0.2))
    assert Counter(split.values()) == {"train": 140, "validation": 20, "test": 40}
    assert set(Counter((label, split[id]) for id, label in ITEMS if split[id] == "test").values()) == {8}


def test_seeds_differ():
    assert split_examples(ITEMS, 1, (0.1, 0.2)) != split_examples(ITEMS, 2, (0.1, 0.2))


@given(
    labels=st.lists(st.integers(0, 80).map(str), max_size=200),
    shares=st.sampled_from([(0.1, 0.1), (0.45, 0.45), (0.0, 0.3), (0.2, 0.0), (0.0, 0.0)]),
)
def test_totals_come_out_right_with_any_labels(labels, shares):
    items = [(str(place), label) for place, label in enumerate(labels)]
    split = split_examples(items, 0, shares)
    assert list(split) == [id for id, _ in items]
    for name, share in zip(("validation", "test"), shares, strict=True):
        assert abs(Counter(split.values())[name] - share * len(items)) <= 2


def test_free_text_outputs_are_split_without_labels():
    items = [(str(number), f"answer {number}") for number in range(100)]
    assert Counter(split_examples(items, 0, (0.2, 0.3)).values()) == {"train": 50, "validation": 20, "test": 30}


def test_an_id_that_occurs_twice_is_one_item():
    assert len(split_examples([("a", "x"), ("a", "x"), ("b", "x")], 0, (0.3, 0.3))) == 2


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.1), (0.0, 1.2)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(UsageError):
        split_examples(ITEMS, 0, shares)
