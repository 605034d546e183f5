"""`regex:PATTERN`: what a regular expression finds in the answer equals what it finds in the reference."""

import regex

from pada_local.errors import UsageError
from pada_local.metrics.registry import Metric, Score, family

LONGEST_CHARACTERS = 20_000
SECONDS = 0.5
"""A pattern that backtracks without end is stopped; the answer then counts as wrong, and the reference as not checkable."""


@family("regex", "PATTERN", "1 when what the pattern finds (its first group, if it has one) is the same in answer and reference")
def regex_metric(pattern: str) -> Metric:
    """The metric for one pattern. Raises UsageError when it is no regular expression."""
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise UsageError("The metric's pattern is not a regular expression.", f"{pattern}: {error}") from None

    def found(text: str) -> str | None:
        try:
            match = compiled.search(text[:LONGEST_CHARACTERS], timeout=SECONDS)
        except TimeoutError:
            return None
        return (match[1] if compiled.groups else match[0]) if match else None

    def check(output: str) -> str:
        return "" if found(output) is not None else "The pattern finds nothing in the output."

    def compare(predicted: str, expected: str) -> Score:
        got, wanted = found(predicted), found(expected)
        if got is None:
            return Score(0.0, "the pattern finds nothing in the answer")
        if got == wanted:
            return Score(1.0, "the pattern finds the same in both")
        return Score(0.0, f'the pattern finds "{got[:80]}" where "{(wanted or "")[:80]}" was expected')

    return Metric(f"regex:{pattern}", "what the pattern finds is the same", compare, check)
