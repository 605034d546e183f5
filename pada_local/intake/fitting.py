"""Which metric probably fits, by a look at the references: what they are made of, and how often they repeat."""

import re
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from pada_local.metrics import registry
from pada_local.metrics.choice import label
from pada_local.metrics.fields import json_object
from pada_local.metrics.numbers import last_number

LONGEST_LABEL, MOST_LABEL_WORDS = 40, 5
REPEATS = 3
"""How often a label stands among the references, on average, for them to be labels."""
FEWEST = 6
"""References below which repeating says nothing."""
LONG_TEXT_WORDS = 30
"""References with more words, in the middle, will hardly ever be met exactly."""
_NUMBER = re.compile(r"[-+−]?\s?[$€£]?\s?[-+]?[\d.,/ ]*\d[\d.,/]*(?:[eE][-+]?\d+)?\s?%?")
EXACT = "exact_match"


class Fitting(NamedTuple):
    """A metric's name, and why it is proposed, as a sentence."""

    metric: str
    why: str


def fitting_metric(references: Sequence[str]) -> Fitting:
    """The metric to begin with; one that cannot score all of these references is never proposed."""
    found = next(filter(None, (look(references) for look in (_fields, _labels, _numbers, _free_text))), None)
    if found is not None and not registry.check_references(found.metric, list(dict.fromkeys(references))):
        return found
    return Fitting(EXACT, "The references are neither labels nor JSON nor numbers: an answer has to equal its reference.")


def _labels(references: Sequence[str]) -> Fitting | None:
    """Short texts that repeat. Before numbers: grades and 0 or 1 are labels, too."""
    found = {label(one) for one in references}
    short = all(len(one.strip()) <= LONGEST_LABEL and len(one.split()) <= MOST_LABEL_WORDS for one in references)
    if len(references) < FEWEST or not short or len(found) * REPEATS > len(references) or len(found) < 2:
        return None
    return Fitting(
        "label_accuracy", f"The references are labels: {len(found)} short texts that repeat in {len(references):,} rows."
    )


def _fields(references: Sequence[str]) -> Fitting | None:
    if references and all(json_object(one) for one in references):
        return Fitting("json_fields", "Each reference is a JSON object: its fields are compared one by one.")
    return None


def _numbers(references: Sequence[str]) -> Fitting | None:
    if not references or any(last_number(one) is None for one in references):
        return None
    if all("####" in one for one in references):
        return Fitting("numeric_match", "Each reference ends in a number behind ####: only that number counts.")
    if all(_NUMBER.fullmatch(one.strip()) for one in references):
        return Fitting("numeric_match", "Each reference is a number: an answer may have words around it.")
    return None


def _free_text(references: Sequence[str]) -> Fitting | None:
    words = statistics.median([len(one.split()) for one in references]) if references else 0
    if words < LONG_TEXT_WORDS:
        return None
    why = f"The references are free text of about {words:.0f} words, which no answer meets word for word; judge is the other way."
    return Fitting("token_f1", why)
