"""Intervals over seeds and examples at once: resample the seeds, then the examples, so that neither is taken for exact.

Scores of one recipe come as one mapping from example to score for each seed. Where all seeds answered the same examples,
the drawn examples are the same for every seed of a resample (crossed); else each seed draws from its own (nested).
With few seeds such an interval is a rough one, and with one seed it knows nothing of how seeds differ.
"""

from collections.abc import Mapping, Sequence

from pada_local.metrics.compare import Difference, Interval

RESAMPLES = 4000
Scores = Sequence[Mapping[str, float]]


def two_level_interval(seeds: Scores, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Mean over seeds of each seed's mean, with its 95 % percentile interval; `n` is the number of seeds."""
    mean, means = _resampled(seeds, seed, resamples)
    low, high = _ends(means)
    return Interval(mean, low, high, len(seeds))


def two_level_difference(a: Scores, b: Scores, seed: int = 0, resamples: int = RESAMPLES) -> Difference:
    """b minus a, paired by seed and by example; p by the shift method, never 0. Seeds go in the same order on both sides."""
    if len(a) != len(b):
        raise ValueError(f"a paired comparison needs the same seeds on both sides, not {len(a)} and {len(b)}")
    pairs = [
        {key: right[key] - left[key] for key in sorted(left.keys() & right.keys())} for left, right in zip(a, b, strict=True)
    ]
    mean, means = _resampled(pairs, seed, resamples)
    low, high = _ends(means)
    extreme = sum(abs(value - mean) >= abs(mean) - 1e-12 for value in means)
    return Difference(mean, low, high, (1 + extreme) / (1 + resamples), len(pairs))


def _resampled(seeds: Scores, seed: int, resamples: int) -> tuple[float, list[float]]:
    import numpy  # a hundred milliseconds that only a study needs

    if not seeds or not all(seeds):
        raise ValueError("every seed needs at least one scored example")
    rows = [numpy.array([one[key] for key in sorted(one)], dtype=numpy.float64) for one in seeds]
    mean = float(numpy.mean([row.mean() for row in rows]))
    crossed = all(one.keys() == seeds[0].keys() for one in seeds)
    draw = numpy.random.Generator(numpy.random.PCG64(seed))
    means = []
    for _ in range(resamples):
        chosen = draw.integers(0, len(rows), len(rows))
        if crossed:
            at = draw.integers(0, len(rows[0]), len(rows[0]))
            means.append(float(numpy.mean([rows[one][at].mean() for one in chosen])))
        else:
            parts = [rows[one][draw.integers(0, len(rows[one]), len(rows[one]))].mean() for one in chosen]
            means.append(float(numpy.mean(parts)))
    return mean, sorted(means)


def _ends(means: list[float]) -> tuple[float, float]:
    outside = int(len(means) * 0.025)
    return means[outside], means[len(means) - 1 - outside]
