"""Numbers about a set of texts: how much it repeats itself, how far its texts lie apart, how its labels are spread.

They need no model. What each says and does not say stands in `export.glossary`. Sequences of words are looked at in windows
of the same length, because every one of these numbers falls or rises with length alone.
"""

import math
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from statistics import median

import msgspec

from pada_local.data.leakage import normalise_words

WINDOW = 256
"""Words in a window; a last shorter one counts only where there is no whole one."""
ZIPPED = 16_384
"""Bytes that are compressed at a time."""
MOST_TEXTS = 400
"""Texts whose nearest neighbours are looked for; more are drawn from."""
NEAR_COPY = 0.2
MOST_LABELS = 50


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """The panel's numbers for one set of samples; None where the set is too small or has no labels."""

    texts: int
    words: int
    apen_1: float | None
    apen_2: float | None
    information: float | None
    compression: float | None
    distinct_1: float | None
    distinct_2: float | None
    distinct_3: float | None
    nearest: float | None
    near_copies: float | None
    labels: int | None
    balance: float | None


def quality(pairs: Sequence[tuple[str, str]], against: Sequence[str] = ()) -> Quality:
    """Numbers for (input, output) pairs. Nearest neighbours are looked for in `against`, or among the inputs themselves."""
    inputs = [text for text, _ in pairs]
    words = [word for text in inputs for word in normalise_words(text)]
    windows = _windows(words)
    apen = {m: _mean([approximate_entropy(window, m) for window in windows if len(window) > m + 1]) for m in (1, 2)}
    distinct = [_mean([distinct_share(window, n) for window in windows if len(window) >= n]) for n in (1, 2, 3)]
    near = nearest_distances(inputs, against or None)
    labels, balance = label_balance([output for _, output in pairs])
    return Quality(
        texts=len(pairs), words=len(words), apen_1=apen[1], apen_2=apen[2],
        information=len(words) * apen[1] if apen[1] is not None else None, compression=compression_ratio(inputs),
        distinct_1=distinct[0], distinct_2=distinct[1], distinct_3=distinct[2],
        nearest=median(near) if near else None,
        near_copies=sum(distance < NEAR_COPY for distance in near) / len(near) if near else None,
        labels=labels, balance=balance,
    )  # fmt: skip


def approximate_entropy(sequence: Sequence[object], m: int) -> float:
    """ApEn with exact matches (r = 0), natural logarithm (Pincus 1991), self-matches included. Linear in the length."""
    if m < 0 or len(sequence) < m + 2:
        raise ValueError(f"approximate entropy of order {m} needs at least {m + 2} items, not {len(sequence)}")
    return abs(_phi(sequence, m + 1) - _phi(sequence, m))


def _phi(sequence: Sequence[object], m: int) -> float:
    grams = Counter(tuple(sequence[at : at + m]) for at in range(len(sequence) - m + 1))
    whole = sum(grams.values())
    return sum(count * math.log(count / whole) for count in grams.values()) / whole


def distinct_share(sequence: Sequence[object], n: int) -> float:
    """Distinct n-grams among all n-grams (distinct-n, Li et al. 2016)."""
    grams = [tuple(sequence[at : at + n]) for at in range(len(sequence) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def compression_ratio(texts: Sequence[str]) -> float | None:
    """Compressed bytes (zlib, level 9) over bytes, mean over pieces of ZIPPED bytes; None for no text."""
    whole = "\n".join(texts).encode()
    pieces = [whole[at : at + ZIPPED] for at in range(0, len(whole), ZIPPED)]
    if len(pieces) > 1 and len(pieces[-1]) < ZIPPED:
        pieces.pop()
    return _mean([len(zlib.compress(piece, 9)) / len(piece) for piece in pieces if piece])


def nearest_distances(texts: Sequence[str], against: Sequence[str] | None = None) -> list[float]:
    """For each text 1 - the largest overlap of its set of words (Jaccard) with any other text, or with any of `against`."""
    chance = random.Random(len(texts))
    places = list(range(len(texts)))
    chosen = sorted(chance.sample(places, MOST_TEXTS)) if len(texts) > MOST_TEXTS else places
    sets = [frozenset(normalise_words(text)) for text in texts]
    others = [frozenset(normalise_words(text)) for text in against] if against is not None else sets
    found = []
    for place in chosen:
        best = max(
            (_overlap(sets[place], other) for at, other in enumerate(others) if against is not None or at != place), default=None
        )
        if best is not None:
            found.append(1 - best)
    return found


def label_balance(outputs: Sequence[str]) -> tuple[int | None, float | None]:
    """How many labels there are and how evenly they occur: entropy over its largest value; (None, None) for free text."""
    counts = Counter(output.strip() for output in outputs)
    if not counts or len(counts) > min(MOST_LABELS, len(outputs) / 2):
        return None, None
    entropy = -sum(count / len(outputs) * math.log(count / len(outputs)) for count in counts.values())
    return len(counts), entropy / math.log(len(counts)) if len(counts) > 1 else 1.0


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    whole = len(a) + len(b) - shared
    return shared / whole if whole else 1.0


def _windows(words: Sequence[str]) -> list[Sequence[str]]:
    whole = [words[at : at + WINDOW] for at in range(0, len(words) - WINDOW + 1, WINDOW)]
    return whole or ([words] if words else [])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
