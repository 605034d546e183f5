"""A part of the training examples, drawn by the seed so that a smaller part lies in a larger one."""

from collections.abc import Sequence

from pada_local.records import Example, content_id


def training_subset(rows: Sequence[Example], size: float, seed: int) -> list[Example]:
    """The rows in their order: all (`size` 0), a share (below 1) or so many; at least one."""
    if not size:
        return list(rows)
    most = max(1, min(len(rows), round(size * len(rows)) if size < 1 else int(size)))
    drawn = sorted(rows, key=lambda row: content_id("subset", seed, row.id))[:most]
    kept = {row.id for row in drawn}
    return [row for row in rows if row.id in kept]
