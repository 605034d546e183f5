"""What a student is trained on: a part of the examples, and the rounds whose samples are left out again."""

from collections.abc import Iterable, Sequence

from pada_local.records import Example, Round, content_id


def training_subset(rows: Sequence[Example], size: float, seed: int) -> list[Example]:
    """All rows (`size` 0), a share (below 1) or so many, at least one; a smaller part of a seed lies in a larger one."""
    if not size:
        return list(rows)
    most = max(1, min(len(rows), round(size * len(rows)) if size < 1 else int(size)))
    drawn = sorted(rows, key=lambda row: content_id("subset", seed, row.id))[:most]
    kept = {row.id for row in drawn}
    return [row for row in rows if row.id in kept]


def dropped_rounds(rounds: Iterable[Round], before: int) -> set[int]:
    """The rounds before `before` whose samples led to a student that was not better on validation than all earlier ones.

    With `loop.rollback` nothing of them is trained on from round `before` on.
    """
    dropped, best = set(), -1.0
    for row in sorted(rounds, key=lambda row: row.number):
        if row.number >= before or row.validation_mean is None:
            continue
        if row.validation_mean > best:
            best = row.validation_mean
        else:
            dropped.add(row.number - 1)
    return dropped
