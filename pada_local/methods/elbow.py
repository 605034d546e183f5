"""How many patterns: the highest silhouette, or the elbow of k-means inertia, made deterministic (the paper: "elbow method")."""

import math
from collections.abc import Sequence

SILHOUETTE_FLOOR = 0.15
"""Below this mean silhouette a split is not believed: the chord alone splits one blob into two to four (measured)."""
FEWEST_FAILURES = 8
_MOST_PATTERNS = 10


def k_max(failures: int, distinct: int) -> int:
    """Largest k worth trying: min(10, floor(sqrt(failures)) + 2, distinct analyses), at least 1."""
    return max(1, min(_MOST_PATTERNS, math.isqrt(failures) + 2, distinct))


def choose_k(inertia: Sequence[float]) -> int:
    """k at the elbow of inertia[0] = I(1), I(2), …: furthest from the chord between the ends, both axes scaled to [0, 1].

    The curve is made non-increasing first, because k-means with few restarts can come out worse with one centre more.
    """
    if not inertia or not all(math.isfinite(value) for value in inertia):
        raise ValueError("inertia must be a non-empty list of finite numbers")
    falling = [min(inertia[: place + 1]) for place in range(len(inertia))]
    drop = falling[0] - falling[-1]
    if drop <= 0:
        return 1
    last = len(falling) - 1
    # On scaled axes the chord runs from (0, 1) to (1, 0): the distance to it is |x + y - 1| / sqrt 2.
    distances = [abs(place / last + (value - falling[-1]) / drop - 1) for place, value in enumerate(falling)]
    # Rounding keeps noise in the last bits of a straight line from choosing k.
    rounded = [round(distance, 9) for distance in distances]
    return rounded.index(max(rounded)) + 1


def widest_gap(silhouette: Sequence[float]) -> int:
    """k of the highest of silhouette[0] = S(1), S(2), …; the smallest such k."""
    if not silhouette or not all(math.isfinite(value) for value in silhouette):
        raise ValueError("silhouettes must be a non-empty list of finite numbers")
    rounded = [round(value, 9) for value in silhouette]
    return rounded.index(max(rounded)) + 1


def accept_k(k: int, silhouette: float, failures: int, floor: float = SILHOUETTE_FLOOR) -> int:
    """`k`, or 1 when there are fewer than 8 failures or the silhouette at `k` does not reach the floor."""
    return k if k > 1 and failures >= FEWEST_FAILURES and silhouette >= floor else 1
