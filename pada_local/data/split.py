"""Splitting examples into train, validation and test: by hash and seed, so that order and machine do not matter."""

import hashlib
from collections.abc import Sequence

from pada_local.errors import UsageError

_MOST_LABELS = 50
_FEWEST_PER_LABEL = 3


def split_examples(items: Sequence[tuple[str, str]], seed: int, shares: tuple[float, float]) -> dict[str, str]:
    """Give every id "train", "validation" or "test". `items` are (content id, label), `shares` those of validation and test.

    Stratified when there are at most 50 labels with at least 3 items each; otherwise labels are ignored. An id that
    occurs twice is one item, so the same content never lands in two splits.
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
    split: dict[str, str] = {}
    seen, taken = 0, {"validation": 0, "test": 0}
    for label in sorted(groups):
        ids = sorted(groups[label], key=lambda id: _rank(seed, id))
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


def _groups(labels: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for id, label in labels.items():
        groups.setdefault(label, []).append(id)
    if len(groups) > _MOST_LABELS or any(len(ids) < _FEWEST_PER_LABEL for ids in groups.values()):
        return {"": list(labels)} if labels else {}
    return groups


def _rank(seed: int, id: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{id}".encode()).digest()
