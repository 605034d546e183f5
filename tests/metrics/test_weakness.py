"""The rate of a pattern's region: found where it is, not claimed where chance made the pattern."""

import random

from pada_local.metrics.weakness import Item, pattern_rates

FILL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho sigma tau upsilon".split()


def text(rng, *more):
    return " ".join(rng.sample([*rng.sample(FILL, 6), *more], 6 + len(more)))


def world(seed, size=180, weak="fahrenheit"):
    """Every tenth example holds the weak word and fails nine times in ten; the others fail two times in ten."""
    rng, items = random.Random(seed), []
    for number in range(size):
        of_it = number % 10 == 0
        failed = rng.random() < (0.9 if of_it else 0.2)
        pattern = (1 if of_it else 2) if failed else None
        items.append(Item(f"e{number}", text(rng, *([weak] if of_it else [])), "out", failed, pattern))
    return items


def test_a_region_that_fails_more_often_is_a_weakness():
    found = [pattern_rates(world(seed), [1, 2])[1] for seed in range(5)]
    assert all(rate.weak and rate.q < 0.01 and rate.marks[0] == "fahrenheit" for rate in found)
    for rate in found:
        assert rate.n == 18 and rate.low < rate.rate == rate.failures / 18 < rate.high + 1e-9
        assert rate.n + rate.rest_n == 180 and rate.rest_failures / rate.rest_n < 0.35


def test_patterns_of_failures_by_chance_are_seldom_called_weak():
    claimed = rates = 0
    for seed in range(60):
        rng = random.Random(seed)
        failed = [rng.random() < 0.3 for _ in range(180)]
        items = [Item(f"e{n}", text(rng), "out", bad, rng.randint(1, 4) if bad else None) for n, bad in enumerate(failed)]
        found = pattern_rates(items, [1, 2, 3, 4])
        claimed, rates = claimed + any(rate.weak for rate in found.values()), rates + 1
    assert claimed / rates <= 0.15  # nominal 0.1


def test_the_order_of_items_does_not_matter_and_a_lone_failure_has_no_rate():
    items = world(1)
    assert pattern_rates(items, [1, 2]) == pattern_rates(items[::-1], [1, 2])
    lonely = [Item(f"e{n}", f"word{n}", "out", n == 0, 1 if n == 0 else None) for n in range(40)]
    rate = pattern_rates(lonely, [1])[1]
    assert (rate.n, rate.weak, rate.low, rate.high) == (0, False, 0.0, 1.0)


def test_nobody_is_counted_by_words_that_it_helped_to_choose():
    """Failures whose words nobody else has make a region that holds nothing of the other half."""
    items = [Item(f"e{n}", f"{FILL[n % 20]}{FILL[n // 3]}", "out", n % 3 == 0, 1 if n % 3 == 0 else None) for n in range(60)]
    assert pattern_rates(items, [1])[1].failures == 0
