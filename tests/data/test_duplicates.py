"""Exact and near duplicates, and templated items that are neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.data.duplicates import DuplicateIndex
from pada_local.errors import UsageError

LONG = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyzäöüßéèàçñåø")


def found(first, second, near=0.9):
    index = DuplicateIndex(near)
    index.add("first", first)
    return index.find(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("58 year old male with cough.", "58-year-old MALE, with cough"),
        ("my card", "My card!"),
        (LONG, LONG + " end"),
        (":-)", ":-) "),
        ("what is 3+4", "What is 3 + 4?"),
    ],
)
def test_duplicates(first, second):
    assert found(first, second)[0] == "first"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("58 year old male with cough for 3 days", "61 year old female with rash for 3 days"),
        ("58 year old male with cough for 3 days", "61 year old male with cough for 3 days"),
        ("58 year old male with cough for 3 days", "58 year old male with cough for 4 days"),
        ("58 " * 3 + LONG + " 7 " + LONG, "58 " * 3 + LONG + " 8 " + LONG),
        ("dog bites man", "man bites dog"),
        ("male denies cough but has fever", "male has cough but denies fever"),
        ("what is 3+4", "what is 3-4"),
        ("my card", "my loan"),
        (":-)", ":-("),
        ("", "cough"),
    ],
)
def test_different_items(first, second):
    assert found(first, second) is None


def test_the_nearest_one_is_named_and_the_first_of_equals():
    index = DuplicateIndex(near=0.5)
    index.add("far", "a b c d e f g h")
    index.add("near", "a b c d e f g i")
    index.add("same", "A b c d e f g i")
    assert index.find("a b c d e f g i j")[0] == "near"
    assert index.find("a b c d e f g i") == ("near", "same words")


TEXT = st.lists(st.sampled_from("abcdef"), min_size=3, max_size=12).map(" ".join)


@given(st.lists(TEXT, min_size=1, max_size=8), TEXT, st.sampled_from([0.3, 0.6, 0.9]))
def test_the_index_answers_as_comparing_with_each_would(texts, text, near):
    def shingles(one):
        words = one.split()
        return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}

    index = DuplicateIndex(near)
    for other in texts:
        index.add(other, other)
    best = max(len(shingles(text) & shingles(other)) / len(shingles(text) | shingles(other)) for other in texts)
    assert (index.find(text) is not None) == (best >= near or text in texts)


def test_senseless_thresholds_are_refused():
    with pytest.raises(UsageError):
        DuplicateIndex(near=1.5)
