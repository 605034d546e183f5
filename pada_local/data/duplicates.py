"""Duplicates among samples: the same words, or nearly the same.

Near means that the overlapping triples of words (shingles, Broder 1997) have a Jaccard similarity of at least `near`.
In a templated domain two notes that differ in one number are two items, so near duplicates must also have equal
numbers, in the same order; that holds for long texts too, where one number hardly moves the overlap.
"""

import re

from pada_local.data.leakage import normalise_words
from pada_local.errors import UsageError

_SHINGLE = 3
_OPERATORS = re.compile(r"([-+*/^=<>])(?=\s*\d)")
_OPERATOR_WORDS = dict(zip("-+*/^=<>", ("minus", "plus", "times", "over", "power", "equals", "less", "greater"), strict=True))


def _words(text: str) -> tuple[str, ...]:
    # An operator in front of a number makes another item: 3+4 is not 3-4. Other punctuation does not.
    return tuple(normalise_words(_OPERATORS.sub(lambda found: f" {_OPERATOR_WORDS[found[1]]} ", text)))


def _shingles(words: tuple[str, ...]) -> frozenset[int]:
    if len(words) < _SHINGLE:
        return frozenset(map(hash, words))
    return frozenset(hash(words[start : start + _SHINGLE]) for start in range(len(words) - _SHINGLE + 1))


def _numbers(words: tuple[str, ...]) -> int:
    return hash(tuple(word for word in words if any(char.isdigit() for char in word)))


class DuplicateIndex:
    """Grows with every text that is added; looking one up takes about the same time however many there are."""

    def __init__(self, near: float = 0.9) -> None:
        if not 0 < near <= 1:
            raise UsageError("The threshold for near duplicates must lie between 0 and 1.", f"near_duplicate = {near}.")
        self._near = near
        self._exact: dict[tuple[str, ...], str] = {}
        self._wordless: dict[str, str] = {}
        self._entries: list[tuple[str, frozenset[int]]] = []
        self._postings: dict[tuple[int, int], list[int]] = {}

    def _prefix(self, shingles: frozenset[int]) -> list[int]:
        # Prefix filtering: similar sets share a member among the first few of any one order; the hash's own order will do.
        needed = -int(-(self._near * len(shingles) - 1e-9) // 1)
        return sorted(shingles)[: len(shingles) - needed + 1]

    def add(self, id: str, text: str) -> None:
        """Put a text into the index under an id; the first of equal texts keeps its place."""
        words = _words(text)
        if not words:
            self._wordless.setdefault(text.strip(), id)
            return
        if words in self._exact:
            return
        self._exact[words] = id
        shingles, numbers = _shingles(words), _numbers(words)
        for shingle in self._prefix(shingles):
            self._postings.setdefault((numbers, shingle), []).append(len(self._entries))
        self._entries.append((id, shingles))

    def find(self, text: str) -> tuple[str, str] | None:
        """The id of an equal text, or of the nearest one above the threshold, with the reason; None when it is new."""
        words = _words(text)
        exact = self._exact.get(words) if words else self._wordless.get(text.strip())
        if exact is not None:
            return exact, "same words"
        if not words:
            return None
        shingles, numbers = _shingles(words), _numbers(words)
        places = {place for shingle in self._prefix(shingles) for place in self._postings.get((numbers, shingle), ())}
        # The most similar one, and the earliest of those, so that the answer does not hang on the hash order.
        best = max(((_jaccard(shingles, self._entries[place][1]), -place) for place in places), default=(0.0, 0))
        if best[0] < self._near - 1e-9:
            return None
        return self._entries[-best[1]][0], f"nearly the same words ({best[0]:.2f} of the word triples)"


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
