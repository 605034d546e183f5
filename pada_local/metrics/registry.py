"""Metrics by name, and what every caller asks of one: a score, a format check, an equality, a check of its references.

A metric is a plain function `(predicted, expected) -> Score`. Whatever holds for every metric stands here once: an empty
answer is wrong (0), and a reference that the metric cannot check leaves the item unscored (None), which is not zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pada_local.errors import UsageError


@dataclass(frozen=True)
class Score:
    """A value from 0 to 1, or None when the item could not be scored, and why in words for a person and a teacher."""

    value: float | None
    why: str


MetricFunction = Callable[[str, str], Score]
FormatCheck = Callable[[str], str]


@dataclass(frozen=True)
class Metric:
    """A registered metric. `check` says in a sentence why a text cannot be checked by it ("" when it can)."""

    name: str
    description: str
    function: MetricFunction
    check: FormatCheck


@dataclass(frozen=True)
class Family:
    """Metrics that take a word: `name:WORD`."""

    name: str
    word: str
    description: str
    make: Callable[[str], Metric]


METRICS: dict[str, Metric] = {}
FAMILIES: dict[str, Family] = {}


def _anything(_output: str) -> str:
    return ""


def metric(name: str, description: str, check: FormatCheck = _anything) -> Callable[[MetricFunction], MetricFunction]:
    """Register a function under `name`; the function itself stays as it is."""

    def register(function: MetricFunction) -> MetricFunction:
        METRICS[name] = Metric(name, description, function, check)
        return function

    return register


def family(name: str, word: str, description: str) -> Callable[[Callable[[str], Metric]], Callable[[str], Metric]]:
    """Register what makes a metric out of the word behind `name:`."""

    def register(make: Callable[[str], Metric]) -> Callable[[str], Metric]:
        FAMILIES[name] = Family(name, word, description, make)
        return make

    return register


def known() -> list[str]:
    """The names that can be given, with the word that some take."""
    return sorted([*METRICS, *(f"{one.name}:{one.word}" for one in FAMILIES.values())])


@lru_cache(maxsize=8)
def find(name: str) -> Metric:
    """The metric of this name; a family's is made from the word behind the colon. Raises UsageError for an unknown one."""
    start, colon, word = name.partition(":")
    if colon and start in FAMILIES:
        return FAMILIES[start].make(word)
    if name not in METRICS:
        names = ", ".join(known())
        raise UsageError(f'There is no metric called "{name}".', f"Known metrics: {names}.", "Choose one with --metric NAME.")
    return METRICS[name]


def format_error(name: str, output: str) -> str:
    """Why the metric could not check this output against an equal one, as a sentence; "" when it can."""
    chosen = find(name)
    if not output.strip():
        return "The output is empty."
    return chosen.check(output)


def score(name: str, predicted: str, expected: str) -> Score:
    """Score one prediction against its reference."""
    problem = format_error(name, expected)
    if problem:
        return Score(None, f"not scored, because of the reference: {problem}")
    if not predicted.strip():
        return Score(0.0, "the answer is empty")
    return find(name).function(predicted, expected)


def equal(name: str, a: str, b: str) -> bool:
    """Whether the metric gives the full score to `a` with `b` as the reference; False when it cannot tell."""
    return score(name, a, b).value == 1.0


def check_references(name: str, outputs: Sequence[str]) -> list[int]:
    """Positions of outputs to which the metric does not give the full score when they answer themselves."""
    return [position for position, output in enumerate(outputs) if not equal(name, output, output)]
