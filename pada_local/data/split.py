"""Splitting examples into train, validation and test: by hash and seed, so that order and machine do not matter."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from pada_local.errors import UsageError

Id = TypeVar("Id", str, int)
Label = TypeVar("Label", str, int)

_MOST_LABELS = 500
_FEWEST_PER_LABEL = 3
_MOST_RARE = 0.2
"""Share of the items whose label may be too rare to be split before the outputs count as free text."""


def split_examples(items: Sequence[tuple[Id, Label]], seed: int, shares: tuple[float, float]) -> dict[Id, str]:
    """Give every id "train", "validation" or "test". `items` are (id of the content, label), `shares` validation's and test's.

    Stratified when there are at most 500 labels; those with fewer than 3 items are one group, and when they hold more than
    a fifth of the items, labels are ignored. An id that occurs twice is one item, so it never lands in two splits.
    """
    validation, test = shares
    if validation < 0 or test < 0 or validation + test >= 1:
        raise UsageError(
            "The shares of validation and test leave nothing to train on.",
            f"validation = {validation:g}, test = {test:g}.",
            "Choose two shares from 0 that add up to less than 1.",
        )
    labels = dict(items)
    groups = _groups(labels)
    split: dict[Id, str] = {}
    seen, taken = 0, {"validation": 0, "test": 0}
    for ids in groups:
        ids.sort(key=lambda id: _rank(seed, id))
        seen += len(ids)
        start = 0
        # What rounding leaves over in one label is carried to the next, so that the totals come out right.
        for name, share in (("validation", validation), ("test", test)):
            count = max(0, min(round(share * seen) - taken[name], len(ids) - start))
            split.update(dict.fromkeys(ids[start : start + count], name))
            taken[name] += count
            start += count
        split.update(dict.fromkeys(ids[start:], "train"))
    return {id: split[id] for id in labels}


def _groups(labels: dict[Id, Label]) -> list[list[Id]]:
    """The ids by label, in the order of the labels; the rare ones together at the end."""
    groups: dict[Label, list[Id]] = {}
    for id, label in labels.items():
        groups.setdefault(label, []).append(id)
    common = [groups[label] for label in sorted(groups) if len(groups[label]) >= _FEWEST_PER_LABEL]
    rare = [id for label in sorted(groups) if len(groups[label]) < _FEWEST_PER_LABEL for id in groups[label]]
    if len(groups) > _MOST_LABELS or len(rare) > _MOST_RARE * len(labels):
        return [list(labels)]
    return [*common, rare]


def _rank(seed: int, id: str | int) -> bytes:
    return hashlib.blake2b(f"{seed}\n{id}".encode(), digest_size=8).digest()
