"""What stands beside a mean: macro-F1 and fields, against figures worked out by hand and by scikit-learn."""

import random

import pytest

from pada_local.metrics.details import details, field_accuracy, macro_f1


def test_macro_f1_counts_every_label_the_same():
    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")]
    # a: 2·2/(3+2) = 0.8; b: 2·1/(1+2) = 2/3
    assert macro_f1(pairs) == pytest.approx((0.8 + 2 / 3) / 2)
    assert macro_f1([("A.", "a")]) == 1.0 and macro_f1([("x", "a")]) == 0.0


def test_macro_f1_is_scikit_learns():
    from sklearn.metrics import f1_score

    rng = random.Random(4)
    pairs = [(rng.choice("abcd"), rng.choice("abc")) for _ in range(300)]
    got, wanted = zip(*pairs, strict=True)
    expected = f1_score(wanted, got, labels=sorted(set(wanted)), average="macro", zero_division=0)
    assert macro_f1(pairs) == pytest.approx(expected)


def test_fields_are_counted_where_the_reference_has_them():
    pairs = [('{"a": 1, "b": 2}', '{"a": 1, "b": 3}'), ("nonsense", '{"a": 1}'), ('{"a": 1, "c": 5}', '{"a": 1}')]
    assert field_accuracy(pairs) == {"a": pytest.approx(2 / 3), "b": 0.0}


@pytest.mark.parametrize(
    ("metric", "names"),
    [("label_accuracy", {"macro_f1"}), ("json_fields", {"fields"}), ("json_whole", {"fields"}), ("exact_match", set())],
)
def test_only_some_metrics_have_details(metric, names):
    assert details(metric, [('{"a": 1}', '{"a": 1}')]).keys() == names
    assert details(metric, []) == {}
