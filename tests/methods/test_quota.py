"""Quotas of the patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.methods.quota import largest_remainder


@pytest.mark.parametrize(
    ("total", "sizes", "shares"),
    [
        (20, [6, 3, 1], [12, 6, 2]),
        (10, [1, 1, 1], [4, 3, 3]),
        (10, [97, 1, 1, 1], [7, 1, 1, 1]),
        (2, [5, 9, 7], [0, 1, 1]),
        (0, [3, 1], [0, 0]),
        (5, [], []),
        (5, [0, 0], [0, 0]),
        (5, [3, 0], [5, 0]),
    ],
)
def test_shares(total, sizes, shares):
    assert largest_remainder(total, sizes) == shares


@given(total=st.integers(1, 300), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_shares_add_up_and_every_pattern_gets_one_if_there_is_one_for_each(total, sizes):
    shares = largest_remainder(total, sizes)
    assert sum(shares) == total and min(shares) >= (1 if total >= len(sizes) else 0)
    assert all(
        left >= right - 1
        for (a, left) in zip(sizes, shares, strict=True)
        for (b, right) in zip(sizes, shares, strict=True)
        if a >= b
    )


@given(total=st.integers(1, 300), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_without_a_minimum_every_share_is_its_ideal_rounded_up_or_down(total, sizes):
    for size, share in zip(sizes, largest_remainder(total, sizes, at_least=0), strict=True):
        assert total * size // sum(sizes) <= share <= -(-total * size // sum(sizes))
