"""Is a pattern a real weakness: do examples like its failures fail more often than the rest of validation?

A pattern is made of failures, so all that it holds have failed. To ask for a rate, its *region* is needed: where it lies among
all validation examples, passed ones too. A region is a few words, one of which an example must hold; they are learned from one
half of validation and the rate is counted on the other half, then the other way round, so that no example is counted by
a region that it helped to form. Fisher's exact test, corrected for the number of patterns (Benjamini-Hochberg).
"""

import re
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from pada_local.data.leakage import normalise_words
from pada_local.metrics.statistics import benjamini_hochberg, fisher_exact, wilson
from pada_local.records import content_id

FALSE_FINDINGS = 0.1
"""A pattern counts as a weakness when its q is below this."""
FEWEST = 2
"""Failures of a pattern that a word must bring into its region; fewer in a half make no region there."""
MOST_MARKS = 6
"""Words of a region at most."""
_DIGITS = re.compile(r"\d+")


class Item(msgspec.Struct, frozen=True):
    """A validation example: its texts, whether it failed, and the number of its pattern where it is in one."""

    id: str
    input: str
    reference: str
    failed: bool
    pattern: int | None = None


class Rate(msgspec.Struct, frozen=True):
    """How often examples of a region fail (95 % interval by Wilson), beside the rest. `n` 0: no region could be learned."""

    n: int
    failures: int
    rate: float
    low: float
    high: float
    rest_n: int
    rest_failures: int
    p: float
    q: float
    weak: bool
    marks: list[str] = []
    """The words of the region; those behind an arrow are words of the expected output."""


def pattern_rates(items: Sequence[Item], patterns: Sequence[int]) -> dict[int, Rate]:
    """The rate of every pattern's region, with q over all patterns that have one."""
    ordered = sorted(items, key=lambda item: content_id("half", item.id))
    halves = [ordered[0::2], ordered[1::2]]
    features = {item.id: _features(item) for item in items}
    counted, marks = {}, {}
    for pattern in patterns:
        regions = [_region(half, features, pattern) for half in halves]
        counted[pattern] = _counted(halves, regions, features)
        marks[pattern] = list(dict.fromkeys(mark for region in regions for mark in region))
    return _rates(counted, marks)


Sides = tuple[tuple[int, int], tuple[int, int]]
"""(examples, failures) inside and outside."""


def _rates(counted: dict[int, Sides], marks: dict[int, list[str]]) -> dict[int, Rate]:
    tested = [pattern for pattern, (inside, _) in counted.items() if inside[0]]
    p_values = {}
    for pattern in tested:
        (n, failures), (rest_n, rest_failures) = counted[pattern]
        p_values[pattern] = fisher_exact(failures, n - failures, rest_failures, rest_n - rest_failures)
    q_values = dict(zip(tested, benjamini_hochberg([p_values[pattern] for pattern in tested]), strict=True))
    found = {}
    for pattern, ((n, failures), (rest_n, rest_failures)) in counted.items():
        low, high = wilson(failures, n)
        p, q = p_values.get(pattern, 1.0), q_values.get(pattern, 1.0)
        found[pattern] = Rate(n, failures, failures / n if n else 0.0, low, high, rest_n, rest_failures, p, q,
                              q < FALSE_FINDINGS, marks[pattern])  # fmt: skip
    return found


def _counted(halves: list[list[Item]], regions: list[list[str]], features: dict[str, frozenset[str]]) -> Sides:
    """Each half counted with the other half's region; a half whose other one has no region is not counted."""
    inside, outside = [0, 0], [0, 0]
    for half, region in zip(halves, reversed(regions), strict=True):
        for item in half if region else ():
            side = outside if features[item.id].isdisjoint(region) else inside
            side[0] += 1
            side[1] += item.failed
    return (inside[0], inside[1]), (outside[0], outside[1])


def _region(half: Sequence[Item], features: dict[str, frozenset[str]], pattern: int) -> list[str]:
    """Words, one after the other, of which each raises F1 (pattern's failures against all else) most; [] for none."""
    members = {item.id for item in half if item.failed and item.pattern == pattern}
    holders: dict[str, set[str]] = defaultdict(set)
    for item in half if len(members) >= FEWEST else ():
        for name in features[item.id]:
            holders[name].add(item.id)
    choice = {
        name: ids for name, ids in sorted(holders.items())
        if len(ids & members) >= FEWEST and len(ids & members) * len(half) > len(ids) * len(members)  # a mark, not a common word
    }  # fmt: skip
    words: list[str] = []
    held: set[str] = set()
    while len(words) < MOST_MARKS:
        fresh = [name for name, ids in choice.items() if len((ids & members) - held) >= FEWEST]
        best = max(fresh, key=lambda name: (_f1(members, held | choice[name]), name), default=None)
        if best is None or _f1(members, held | choice[best]) <= _f1(members, held) + 1e-9:
            break
        words.append(best)
        held |= choice[best]
    return words


def _f1(members: set[str], held: set[str]) -> float:
    return 2 * len(members & held) / (len(members) + len(held))


def _features(item: Item) -> frozenset[str]:
    """Words of the input, words of the reference behind an arrow, and pairs of words, in which numbers are all 0."""
    plain = [*normalise_words(item.input), *(f"→ {word}" for word in normalise_words(item.reference))]
    shapes = normalise_words(_DIGITS.sub("0", item.input))
    pairs = [f"{a} {b}" for a, b in zip(shapes, shapes[1:], strict=False)]
    return frozenset([*plain, *shapes, *pairs])
