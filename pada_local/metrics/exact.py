"""Whole-answer comparison: exact, and after normalisation in the manner of SQuAD."""

import re
import unicodedata

from pada_local.metrics.registry import Score, metric
from pada_local.metrics.text import first_difference

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# A point between digits and a minus in front of a number carry meaning: without them 3.5 would equal 35 and -5 would equal 5.
_KEPT = re.compile(r"(?<=\d)\.(?=\d)|(?<!\w)-(?=\d)")
_MARK = {".": "\ue000", "-": "\ue001"}
_UNMARK = {0xE000: ".", 0xE001: "-"}


def normalised(text: str) -> str:
    """NFKC, casefold, punctuation and English articles dropped, white space collapsed (after SQuAD's evaluation script).

    A text that consists of nothing else ("A", "?!") is only casefolded, so that answer choices stay apart.
    """
    folded = unicodedata.normalize("NFKC", text).replace("\u2212", "-").casefold()
    marked = _KEPT.sub(lambda found: _MARK[found.group()], folded)
    bare = "".join(char for char in marked if not unicodedata.category(char).startswith("P"))
    words = _ARTICLES.sub(" ", bare).translate(_UNMARK).split()
    return " ".join(words) or " ".join(folded.split())


@metric("exact_match", description="1 when the answer equals the reference, outer white space aside")
def exact_match(predicted: str, expected: str) -> Score:
    """Equality after stripping outer white space."""
    if predicted.strip() == expected.strip():
        return Score(1.0, "the answer equals the reference")
    return Score(0.0, first_difference(predicted, expected))


@metric("normalised_match", description="1 when both are equal without case, punctuation and articles")
def normalised_match(predicted: str, expected: str) -> Score:
    """Equality of the normalised texts (SQuAD's exact match)."""
    got, wanted = normalised(predicted), normalised(expected)
    if got == wanted:
        return Score(1.0, "the answer equals the reference")
    return Score(0.0, first_difference(got, wanted))
