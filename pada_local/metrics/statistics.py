"""Statistics that studies and benches stand on: exact tests, corrections for many tests, agreement of two groupings.

Pure functions of numbers; the same numbers in give the same numbers out on every machine. Intervals of means and paired
differences of one run are in `compare`, those over several seeds in `two_level`.
"""

import bisect
import math
from collections import Counter
from collections.abc import Hashable, Sequence

NORMAL_95 = 1.959963984540054
"""The standard normal's 97.5 % point."""


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Chance that a good item scores above a bad one, ties half (Mann-Whitney U); 0.5, knowing nothing, if a side is empty."""
    if not good or not bad:
        return 0.5
    ordered = sorted(bad)
    wins = sum(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value) for value in good) / 2
    return wins / (len(good) * len(bad))


def fisher_exact(a: int, b: int, c: int, d: int, side: str = "greater") -> float:
    """Fisher's exact p of the table [[a, b], [c, d]] (hypergeometric, margins fixed).

    `side` greater: `a` is this large or larger by chance; two: all tables no likelier than this one.
    """
    if min(a, b, c, d) < 0 or side not in ("greater", "two"):
        raise ValueError(f"counts must not be negative and side must be greater or two: {(a, b, c, d, side)}")
    row, column, whole = a + b, a + c, a + b + c + d
    lowest, highest = max(0, row + column - whole), min(row, column)
    ways = {x: math.comb(column, x) * math.comb(whole - column, row - x) for x in range(lowest, highest + 1)}
    # Whole numbers: no table is taken for likelier than another because of rounding.
    out = sum(ways[x] for x in ways if x >= a) if side == "greater" else sum(way for way in ways.values() if way <= ways[a])
    return out / sum(ways.values())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given: the chance of any false finding in the family stays below them."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (q) of Benjamini and Hochberg (1995): below q, the expected share of false findings is at most q."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, lowest = [0.0] * len(p_values), 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        lowest = min(lowest, p_values[place] * len(p_values) / rank)
        adjusted[place] = lowest
    return adjusted


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (1927): sound for small counts and at 0 and 1; (0, 1) for nothing seen."""
    if n <= 0:
        return 0.0, 1.0
    share, z = successes / n, NORMAL_95
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def adjusted_rand(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    """Agreement of two groupings of the same items (Hubert and Arabie 1985): 1 is the same, 0 what chance gives."""
    if len(a) != len(b):
        raise ValueError(f"two groupings of the same items are as long as each other, not {len(a)} and {len(b)}")
    pairs = math.comb(len(a), 2)
    together = sum(math.comb(count, 2) for count in Counter(zip(a, b, strict=True)).values())
    in_a, in_b = (sum(math.comb(count, 2) for count in Counter(one).values()) for one in (a, b))
    expected, most = (in_a * in_b / pairs if pairs else 0.0), (in_a + in_b) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def purity(groups: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Share of items whose true class is the commonest one of their group; 0 for no items."""
    members: dict[Hashable, Counter[Hashable]] = {}
    for group, true in zip(groups, truth, strict=True):
        members.setdefault(group, Counter())[true] += 1
    return sum(counts.most_common(1)[0][1] for counts in members.values()) / len(groups) if groups else 0.0


def recalled(groups: Sequence[Hashable], truth: Sequence[Hashable], wanted: Hashable) -> bool | None:
    """Whether one group holds over half of the items of class `wanted` while at least half of that group is of it.

    None where no item is of the class: then there is nothing to find.
    """
    total = sum(true == wanted for true in truth)
    if not total:
        return None
    sizes, inside = Counter(groups), Counter(group for group, true in zip(groups, truth, strict=True) if true == wanted)
    return any(count > total / 2 and 2 * count >= sizes[group] for group, count in inside.items())
