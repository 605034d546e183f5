"""Overlap of words, for answers that can be right in part."""

from collections import Counter

from pada_local.metrics.exact import normalised
from pada_local.metrics.registry import Score, metric


def _f1(shared: int, predicted: int, expected: int) -> float:
    return 2 * shared / (predicted + expected) if shared else 0.0


def _why(value: float, shared: int, predicted: list[str], expected: list[str], what: str) -> str:
    if value == 1.0:
        return "the answer has the words of the reference"
    missing = list((Counter(expected) - Counter(predicted)).elements())[:5]
    extra = list((Counter(predicted) - Counter(expected)).elements())[:5]
    parts = [f"{shared} of {len(expected)} words {what} ({len(predicted)} in the answer)"]
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    parts += [f"not in the reference: {', '.join(extra)}"] if extra else []
    return "; ".join(parts)


@metric("token_f1", description="harmonic mean of precision and recall over normalised words (SQuAD's F1)")
def token_f1(predicted: str, expected: str) -> Score:
    """F1 over the multisets of normalised words: 2 · shared / (words predicted + words expected)."""
    got, wanted = normalised(predicted).split(), normalised(expected).split()
    shared = (Counter(got) & Counter(wanted)).total()
    value = _f1(shared, len(got), len(wanted))
    return Score(value, _why(value, shared, got, wanted, "shared"))


def common_subsequence(a: list[str], b: list[str]) -> int:
    """Length of the longest common subsequence, with one machine word for many cells (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for position, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << position
    everything = (1 << len(a)) - 1
    row = everything
    for word in b:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & everything
    return len(a) - row.bit_count()


@metric("rouge_l", description="F-measure of the longest common subsequence of words (ROUGE-L, beta = 1)")
def rouge_l(predicted: str, expected: str) -> Score:
    """ROUGE-L (Lin 2004) with equal weight on precision and recall, over normalised words."""
    got, wanted = normalised(predicted).split(), normalised(expected).split()
    shared = common_subsequence(got, wanted)
    value = _f1(shared, len(got), len(wanted))
    return Score(value, _why(value, shared, got, wanted, "in the right order"))
