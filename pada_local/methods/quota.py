"""How many samples each pattern gets: in proportion to its failures, in whole numbers (largest remainder, Hamilton)."""

from collections.abc import Sequence


def largest_remainder(total: int, sizes: Sequence[int], at_least: int = 1) -> list[int]:
    """Shares of `total` in proportion to `sizes` that add up to it: 20 over 6/3/1 is 12/6/2.

    Every size above 0 gets `at_least`, taken from the largest shares. When `total` does not suffice for that, the largest
    sizes are served first. Ties go to the larger size, then to the earlier one.
    """
    whole = sum(sizes)
    if total <= 0 or whole <= 0:
        return [0] * len(sizes)
    shares = [total * size // whole for size in sizes]
    order = sorted(range(len(sizes)), key=lambda place: (-(total * sizes[place] % whole), -sizes[place], place))
    for place in order[: total - sum(shares)]:
        shares[place] += 1
    return _raised(shares, sizes, min(at_least, total))


def _raised(shares: list[int], sizes: Sequence[int], at_least: int) -> list[int]:
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        while sizes[place] > 0 and shares[place] < at_least:
            richest = max(range(len(shares)), key=lambda other: (shares[other], sizes[other], -other))
            if shares[richest] <= at_least:
                return shares
            shares[richest] -= 1
            shares[place] += 1
    return shares
