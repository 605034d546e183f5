"""The data-quality panel's numbers against closed forms and a plain reference."""

import math
import random

import pytest

from pada_local.metrics.quality import (
    approximate_entropy,
    compression_ratio,
    distinct_share,
    label_balance,
    nearest_distances,
    quality,
)


def plain_apen(sequence, m):
    """The definition, quadratic: Phi is the mean log share of windows equal to a window, itself included."""

    def phi(length):
        grams = [tuple(sequence[at : at + length]) for at in range(len(sequence) - length + 1)]
        return sum(math.log(sum(one == other for other in grams) / len(grams)) for one in grams) / len(grams)

    return abs(phi(m + 1) - phi(m))


@pytest.mark.parametrize(
    ("sequence", "m", "value", "within"),
    [
        ([85, 80, 89] * 17, 2, 1.0996541e-05, 1e-12),
        ([7] * 50, 2, 0.0, 0.0),
        ([1, 2] * 50, 2, 5.1016e-05, 1e-9),
        (list(range(10)), 2, math.log(9 / 8), 1e-12),
    ],
)
def test_approximate_entropy_reference_values(sequence, m, value, within):
    assert approximate_entropy(sequence, m) == pytest.approx(value, abs=within)


def test_approximate_entropy_of_fair_bits_is_about_ln_2():
    chance = random.Random(3)
    assert approximate_entropy([chance.randrange(2) for _ in range(1000)], 1) == pytest.approx(math.log(2), abs=0.01)


def test_counting_equals_the_plain_definition():
    chance = random.Random(1)
    for _ in range(200):
        sequence = [chance.randrange(4) for _ in range(chance.randrange(5, 40))]
        m = chance.choice([1, 2])
        assert approximate_entropy(sequence, m) == pytest.approx(plain_apen(sequence, m), abs=1e-12)


def test_too_short_a_sequence_is_refused():
    with pytest.raises(ValueError):
        approximate_entropy([1, 2], 1)


def test_distinct_shares():
    assert distinct_share("a b a b".split(), 1) == 0.5
    assert distinct_share("a b a b".split(), 2) == pytest.approx(2 / 3)
    assert distinct_share("a b c d".split(), 3) == 1.0
    assert distinct_share(["a"], 2) == 0.0


def test_repeated_text_compresses_better():
    chance = random.Random(2)
    fresh = [" ".join("".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(12)) for _ in range(60)]
    assert compression_ratio(fresh[:1] * 60) < 0.2 < compression_ratio(fresh)
    assert compression_ratio([]) is None


def test_nearest_neighbours_by_words():
    assert nearest_distances(["a b c d", "a b c d", "x y"]) == [0.0, 0.0, 1.0]
    assert nearest_distances(["a b c d"], ["a b", "a b c x"]) == [pytest.approx(1 - 3 / 5)]
    assert nearest_distances(["a"]) == []


def test_labels_are_even_lopsided_or_none():
    assert label_balance(["x", "y"] * 10) == (2, pytest.approx(1.0))
    count, balance = label_balance(["x"] * 9 + ["y"])
    assert count == 2 and balance == pytest.approx(-(0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / math.log(2))
    assert label_balance([str(n) for n in range(30)]) == (None, None)
    assert label_balance(["x"] * 4) == (1, 1.0)


def test_the_panel_tells_copies_from_new_texts():
    chance = random.Random(4)
    words = [f"w{n}" for n in range(400)]
    train = [" ".join(chance.choices(words, k=14)) for _ in range(60)]
    copies, fresh = train[:40], [" ".join(chance.choices(words, k=14)) for _ in range(40)]
    copied, new = (quality([(text, "out") for text in texts], against=train) for texts in (copies, fresh))
    assert copied.near_copies == 1.0 and copied.nearest == 0.0
    assert new.near_copies == 0.0 and new.nearest > 0.7
    assert new.words == 40 * 14 and new.information == pytest.approx(new.words * new.apen_1)


def test_an_empty_set_has_no_numbers():
    empty = quality([])
    assert empty.texts == 0 and empty.apen_1 is None and empty.nearest is None and empty.labels is None
