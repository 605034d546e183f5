"""Is a difference more than chance? Intervals by bootstrap, paired tests by McNemar and paired bootstrap.

All of it is seeded, and resamples with numpy's RandomState, whose streams never change: equal numbers in give equal numbers
out, on every machine.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from pada_local.errors import UsageError


class Interval(msgspec.Struct, frozen=True):
    """A mean with its percentile-bootstrap interval over `n` items."""

    mean: float
    low: float
    high: float
    n: int


class Difference(msgspec.Struct, frozen=True):
    """Mean of b minus mean of a over `n` pairs, its interval, and a two-sided p."""

    difference: float
    low: float
    high: float
    p: float
    n: int


FEW_VALUES = 16
CHUNK = 100
"""Resamples that are held in memory at a time."""


def _resampled_means(values: Sequence[float], seed: int, resamples: int) -> list[float]:
    """Sorted means of `resamples` draws of as many values with replacement."""
    import numpy  # a tenth of a second that only a comparison needs

    draw, count = numpy.random.RandomState(seed), len(values)
    different, times = numpy.unique(numpy.asarray(values, dtype=float), return_counts=True)
    if len(different) <= FEW_VALUES:  # how often each value is drawn is all that matters
        means = draw.multinomial(count, times / count, size=resamples) @ different / count
    else:
        means = numpy.concatenate([
            numpy.asarray(values, dtype=float)[draw.randint(0, count, size=(min(CHUNK, resamples - at), count))].mean(axis=1)
            for at in range(0, resamples, CHUNK)
        ])  # fmt: skip
    return [float(mean) for mean in numpy.sort(means)]


def _percentiles(ordered: Sequence[float], level: float) -> tuple[float, float]:
    outside = int(len(ordered) * (1 - level) / 2)
    return ordered[outside], ordered[len(ordered) - 1 - outside]


def bootstrap_interval(values: Sequence[float], seed: int = 0, resamples: int = 2000, level: float = 0.95) -> Interval:
    """Percentile bootstrap of the mean (Efron 1979): resample the items with replacement, cut equal tails."""
    if not values:
        raise ValueError("no values: an interval needs at least one scored item")
    low, high = _percentiles(_resampled_means(values, seed, resamples), level)
    return Interval(math.fsum(values) / len(values), low, high, len(values))


def paired_bootstrap(
    a: Sequence[float], b: Sequence[float], seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Difference:
    """Resample pairs. p = (1 + #{|m* - m| >= |m|}) / (1 + resamples), the shift method: it is never 0."""
    if len(a) != len(b) or not a:
        raise ValueError(f"a paired comparison needs equally many scores on both sides, not {len(a)} and {len(b)}")
    differences = [right - left for left, right in zip(a, b, strict=True)]
    mean = math.fsum(differences) / len(differences)
    means = _resampled_means(differences, seed, resamples)
    low, high = _percentiles(means, level)
    # The slack keeps rounding in the last bit from deciding whether a resample is as far out as the observed mean.
    extreme = sum(abs(value - mean) >= abs(mean) - 1e-12 for value in means)
    return Difference(mean, low, high, (1 + extreme) / (1 + resamples), len(differences))


def mcnemar_exact(b01: int, b10: int) -> float:
    """Exact two-sided binomial p for `b01` pairs that only b got right and `b10` that only a got right (McNemar 1947)."""
    discordant = b01 + b10
    if discordant == 0:
        return 1.0
    tail, ways = 0, 1
    for successes in range(min(b01, b10) + 1):
        tail += ways
        ways = ways * (discordant - successes) // (successes + 1)
    return min(1.0, (2 * tail) / (1 << discordant))


def compare_scores(a: Mapping[str, float], b: Mapping[str, float]) -> Difference:
    """b against a on the examples that both scored: p by McNemar for 0/1 scores, else by paired bootstrap."""
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise UsageError("The two runs have no scored example in common.", "A paired comparison needs the same test examples.")
    left, right = [a[key] for key in shared], [b[key] for key in shared]
    result = paired_bootstrap(left, right)
    if not {*left, *right} <= {0, 1}:
        return result
    only_b = sum(first < second for first, second in zip(left, right, strict=True))
    only_a = sum(first > second for first, second in zip(left, right, strict=True))
    return msgspec.structs.replace(result, p=mcnemar_exact(only_b, only_a))
