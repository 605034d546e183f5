"""The gate's arithmetic and the judge audit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.methods.gate import CRITERIA, best_threshold, corrupt, judge_accepts
from pada_local.metrics.statistics import auc


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ([9, 9, 9, 9], True),
        ([9, 9, 9, 4], False),
        ([7, 7, 7, 7], True),
        ([10, 8, 5, 5], True),
        ([7, 7, 7, 6], False),
        ([10, 10, 10, 11], False),
        ([0, 10, 10, 10], False),
        ([True, 10, 10, 10], False),
        ([9.0, 9, 9, 9], False),
    ],
)
def test_judge_scores(values, accepted):
    verdict, reason = judge_accepts(dict(zip(CRITERIA, values, strict=True)))
    assert verdict is accepted and reason


def test_a_missing_score_refuses_and_is_named():
    verdict, reason = judge_accepts({"relevance": 9, "adherence": 9, "utility": 9})
    assert not verdict and "correctness" in reason


@pytest.mark.parametrize(
    ("good", "bad", "value"),
    [([3, 4], [1, 2], 1.0), ([1, 2], [3, 4], 0.0), ([5, 5], [5, 5], 0.5), ([2, 4], [1, 3], 0.75), ([], [1], 0.5), ([1], [], 0.5)],
)
def test_auc(good, bad, value):
    assert auc(good, bad) == value


SCORES = st.lists(st.integers(1, 10), min_size=1, max_size=20)


@given(good=SCORES, bad=SCORES)
def test_auc_is_the_share_of_pairs_in_order(good, bad):
    pairs = [(a > b) + (a == b) / 2 for a in good for b in bad]
    assert auc(good, bad) == pytest.approx(sum(pairs) / len(pairs))
    assert auc(good, bad) + auc(bad, good) == pytest.approx(1)


@given(good=SCORES, bad=SCORES)
def test_no_other_threshold_tells_better_apart(good, bad):
    def apart(cut):
        return sum(value >= cut for value in good) / len(good) - sum(value >= cut for value in bad) / len(bad)

    chosen = best_threshold(good, bad)
    assert all(apart(chosen) >= apart(cut / 4) - 1e-9 for cut in range(4, 41))


def test_a_clear_gap_is_cut_in_the_middle():
    assert best_threshold([8, 9], [2, 4]) == 6
    assert best_threshold([5], [5]) == 5


LINES = [
    (f"id{n}", f"{n} year old with cough for {n % 5} days", f"{n}; {'MF'[n % 2]}; cough; {n % 5} days") for n in range(20, 60)
]
OBJECTS = [(id, text, json.dumps({"age": text.split()[0], "sex": output.split("; ")[1]})) for id, text, output in LINES]
LABELS = [(f"id{n}", f"text {n} about {word}", word) for n, word in enumerate(["cards", "loans", "fees", "cash"] * 10)]
SUMS = [(f"id{n}", f"what is {n} and 3", f"{n} + 3 = {n + 3}\n#### {n + 3}") for n in range(40)]


@pytest.mark.parametrize("examples", [LINES, OBJECTS, LABELS, SUMS])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_corrupted_output_is_wrong_in_the_shape_of_the_right_one(examples, seed):
    made = corrupt(examples, seed)
    right = {id: output for id, _, output in examples}
    assert [id for id, _ in made] == list(right) and made == corrupt(examples, seed)
    for id, wrong in made:
        assert wrong.strip() != right[id].strip()
        assert wrong.count(";") == right[id].count(";") and wrong.count(":") == right[id].count(":")


def test_a_changed_sum_is_wrong_in_its_answer():
    right = {id: output for id, _, output in SUMS}
    assert all(wrong.split("####")[1] != right[id].split("####")[1] for id, wrong in corrupt(SUMS, 3))


def test_swaps_take_the_output_of_a_similar_input():
    examples = [("a", "my card is lost", "card"), ("b", "my card is stolen", "theft"), ("c", "weather in rome", "weather")]
    assert dict(corrupt(examples, 0))["a"] == "theft"


def test_an_output_that_cannot_be_made_wrong_is_left_out():
    assert corrupt([("a", "x", "yes"), ("b", "y", "Yes ")], 0) == []
    assert corrupt([], 0) == []
