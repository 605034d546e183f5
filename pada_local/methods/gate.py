"""The quality gate's arithmetic: when a judge's scores accept a sample, and whether the judge can be trusted at all.

Thresholds are this project's own; the paper's copies end before its quality-control section.
"""

import bisect
import json
import random
import re
from collections.abc import Mapping, Sequence

from pada_local.data.leakage import normalise_words
from pada_local.metrics.fields import json_object

CRITERIA = ("relevance", "adherence", "utility", "correctness")
_NUMBER = re.compile(r"[0-9]+")
_SEPARATORS = (";", "|", "\t")
_MOST_NEIGHBOURS = 400

Example = tuple[str, str, str]


def judge_accepts(scores: Mapping[str, int], mean_at_least: float = 7, min_at_least: float = 5) -> tuple[bool, str]:
    """Whether four scores from 1 to 10 let a sample in, and the reason. Anything else than four such scores refuses."""
    for name in CRITERIA:
        value = scores.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10:
            return False, f"the judge gave no score from 1 to 10 for {name}"
    values = [scores[name] for name in CRITERIA]
    mean, lowest = sum(values) / len(values), min(values)
    worst = CRITERIA[values.index(lowest)]
    if lowest < min_at_least:
        return False, f"{worst} has {lowest}, below {min_at_least:g}"
    if mean < mean_at_least:
        return False, f"the mean score is {mean:g}, below {mean_at_least:g} (lowest: {worst} with {lowest})"
    return True, f"the mean score is {mean:g}"


def best_threshold(good: Sequence[float], bad: Sequence[float]) -> float:
    """The threshold t that tells best apart when scores >= t are accepted (Youden's J); the stricter one of equals.

    It lies midway between two scores that were seen, so that a clear gap is cut in its middle.
    """
    values = sorted({*good, *bad})
    if not values:
        return 0.0
    cuts = [values[0], *((low + high) / 2 for low, high in zip(values, values[1:], strict=False))]
    kept, refused = sorted(good), sorted(bad)

    def youden(cut: float) -> float:
        right = (len(kept) - bisect.bisect_left(kept, cut)) / max(1, len(kept))
        return right - (len(refused) - bisect.bisect_left(refused, cut)) / max(1, len(refused))

    return max(cuts, key=lambda cut: (round(youden(cut), 12), cut))


def corrupt(examples: Sequence[Example], seed: int) -> list[tuple[str, str]]:
    """A wrong output for each (id, input, output): one field or number changed, or the output of the most similar input.

    Never equal to the right output in its words. An example for which no wrong output can be made is left out.
    """
    made = []
    for place, (id, _, output) in enumerate(examples):
        chance = random.Random(f"{seed}:{id}")
        ways = [_changed, _swapped] if chance.random() < 0.5 else [_swapped, _changed]
        for way in ways:
            wrong = way(examples, place, chance)
            if wrong is not None and _differs(wrong, output):
                made.append((id, wrong))
                break
    return made


def _differs(a: str, b: str) -> bool:
    return bool(a.strip()) and " ".join(a.casefold().split()) != " ".join(b.casefold().split())


def _others(examples: Sequence[Example], place: int, chance: random.Random) -> list[Example]:
    others = [other for position, other in enumerate(examples) if position != place]
    # Comparing all with all would take minutes on a large set; some hundred hold a near neighbour all the same.
    return chance.sample(others, _MOST_NEIGHBOURS) if len(others) > _MOST_NEIGHBOURS else others


def _swapped(examples: Sequence[Example], place: int, chance: random.Random) -> str | None:
    _, text, output = examples[place]
    words = set(normalise_words(text))
    best, nearest = -1.0, None
    for _, other_text, other_output in _others(examples, place, chance):
        if not _differs(other_output, output):
            continue
        other = set(normalise_words(other_text))
        similar = len(words & other) / max(1, len(words | other))
        if similar > best:
            best, nearest = similar, other_output
    return nearest


def _changed(examples: Sequence[Example], place: int, chance: random.Random) -> str | None:
    output = examples[place][2]
    donors = [donor for _, _, donor in _others(examples, place, chance)]
    chance.shuffle(donors)
    fields = _json_field(output, donors, chance) or _line_field(output, donors, chance)
    return fields or _number(output, chance)


def _json_field(output: str, donors: Sequence[str], chance: random.Random) -> str | None:
    right = json_object(output)
    if not right:
        return None
    # Written like the original, or a judge could tell by the spaces.
    separators = (", ", ": ") if '": ' in output else (",", ":")
    for name in chance.sample(sorted(right), len(right)):
        for donor in donors:
            other = json_object(donor) or {}
            if name in other and _differs(str(other[name]), str(right[name])):
                return json.dumps({**right, name: other[name]}, ensure_ascii=False, separators=separators)
    return None


def _line_field(output: str, donors: Sequence[str], chance: random.Random) -> str | None:
    separator = next((mark for mark in _SEPARATORS if mark in output), None)
    if separator is None:
        return None
    parts = output.split(separator)
    for place in chance.sample(range(len(parts)), len(parts)):
        for donor in donors:
            other = donor.split(separator)
            if len(other) == len(parts) and _differs(other[place], parts[place]):
                return separator.join([*parts[:place], other[place], *parts[place + 1 :]])
    return None


def _number(output: str, chance: random.Random) -> str | None:
    # The last number: it is the answer, where earlier ones may be steps that a metric does not look at.
    found = max(_NUMBER.finditer(output), key=re.Match.start, default=None)
    if found is None:
        return None
    digits = found.group()
    place = chance.randrange(len(digits)) if digits[0] != "0" else len(digits) - 1
    choices = [digit for digit in "123456789" if digit != digits[place]]
    changed = digits[:place] + chance.choice(choices) + digits[place + 1 :]
    return output[: found.start()] + changed + output[found.end() :]
