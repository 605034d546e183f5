"""The demo's oracle: reads any note of the world by rules of its own and says the right line, or refuses.

It shares only the word tables with the generator in `world`, none of its code, so that the two check each other. A note is
cut from left to right into phrases that the world knows; one unknown word, a fact that is missing, said twice or
contradicted, and the oracle refuses. Phrases may be combined as the generator never does (a spelled age and a negation).
The loop never asks the oracle: it trains the demo's teacher and measures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pada_local.demo import world


def label(note: str) -> str | None:
    """The right line for a note, or None when the note is ambiguous or not of this world."""
    reading = _read(note)
    return _line(reading) if reading else None


def slices(note: str) -> tuple[str, ...]:
    """The ways of writing found in a note, in the world's order; () for a note that has no label."""
    reading = _read(note)
    if reading is None or _line(reading) is None:
        return ()
    found = tuple(name for name in world.GAP_SLICES if name in reading.seen)
    return found or (("chatter",) if reading.fillers >= 2 else ("plain",))


@dataclass
class _Reading:
    """What was read so far. Lists, so that a fact said twice shows."""

    persons: list[tuple[int, str]] = field(default_factory=list)
    findings: list[tuple[str, ...]] = field(default_factory=list)
    negated: list[str] = field(default_factory=list)
    durations: list[str] = field(default_factory=list)
    temps: list[str | None] = field(default_factory=list)
    fillers: int = 0
    seen: set[str] = field(default_factory=set)


# --- the phrases -------------------------------------------------------------------------------------------------------


def _any(words) -> str:
    """An alternation, longest first, so that 'chest pain' is not read as a shorter name."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


_SPELLED = {
    f"{ten}{sep}{one}" if one else ten: tens + number
    for tens, ten in world.TENS.items()
    for number, one in enumerate(world.ONES)
    for sep in ("-", " ")
}  # fmt: skip
_WHO = world.SEX_WORDS | world.GENDER_WORDS
_SYMPTOM = _any((*world.SYMPTOMS, *world.ABBREVIATIONS))
_ONE_AGE = rf"(?:\d{{1,3}}|{_any(_SPELLED)})(?!\w)"
_CORRECTING = r"(?:,? no sorry,?|,? correction|,? rather|,? scratch that,?)"
_AGE = rf"{_ONE_AGE}(?:{_CORRECTING} {_ONE_AGE})*"
_JOINING = r"(?:and|plus|along with|together with)"
_VERB = r"(?:with|complains of|presents with|reports|here for|describes)"
_LONG_UNITS = {"day": "day", "days": "day", "week": "week", "weeks": "week", "month": "month", "months": "month"}
_UNITS = _LONG_UNITS | world.SHORT_UNITS

_PHRASES = tuple(
    (name, re.compile(rf"(?:{pattern})(?!\w)"))
    for name, pattern in (
        ("filler", _any(world.FILLERS)),
        ("person", rf"(?:pt is an? |intake: |in an? )?(?P<age>{_AGE})(?:[ -]years?[ -]old| yo) (?P<who>{_any(_WHO)})"),
        (
            "person",
            rf"(?:pt is an? |intake: |in an? )?(?P<who>{_any(_WHO)})"
            rf"(?:, (?P<age>{_AGE}) years old|(?: patient)? aged (?P<aged>{_AGE})|(?: patient)? of (?P<of>{_AGE}) years)",
        ),
        (
            "temp",
            r"(?:temp(?:erature)?(?: is)?|measured) (?P<value>\d{2,3}(?:\.\d)?)(?: ?(?P<unit>celsius|fahrenheit|c|f)(?!\w))?",
        ),
        ("history", rf"(?:history of|past episode of) {_SYMPTOM}|had {_SYMPTOM} years ago|previous {_SYMPTOM} now resolved"),
        ("negation", rf"(?:denies|no sign of|no|without|negative for) (?P<symptom>{_SYMPTOM})"),
        ("finding", rf"(?:{_VERB} )?(?:both )?(?P<symptoms>{_SYMPTOM}(?: {_JOINING} {_SYMPTOM})*)"),
        ("relative", f"(?P<words>{_any(world.RELATIVE_DATES)})"),
        (
            "span",
            rf"(?:for the past|for about|for|over the last|lasting|past|x) ?(?P<count>\d{{1,2}}) ?(?P<unit>{_any(_UNITS)})",
        ),
    )
)
_BETWEEN = re.compile(r"[\s,.;]*")


def _read(note: str) -> _Reading | None:
    """Cut the note into known phrases and collect what they say; None at the first unknown words."""
    reading = _Reading()
    for name, match in _phrases(note.lower()):
        if match is None:
            return None
        _TAKE[name](reading, match)
    return reading


def _phrases(note: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    position = _BETWEEN.match(note).end()
    while position < len(note):
        matches = ((name, pattern.match(note, position)) for name, pattern in _PHRASES)
        name, match = next(((name, match) for name, match in matches if match), ("", None))
        yield name, match
        if match is None:
            return
        end = _BETWEEN.match(note, match.end()).end()
        position = end


# --- what each phrase says ---------------------------------------------------------------------------------------------


def _take_person(reading: _Reading, match: re.Match[str]) -> None:
    groups = match.groupdict()
    words = groups["age"] or groups.get("aged") or groups.get("of") or ""
    ages = re.findall(_ONE_AGE, words)
    if len(ages) > 1:
        reading.seen.add("correction")
    if any(not age.isdigit() for age in ages):
        reading.seen.add("spelled_age")
    if groups["who"] in world.GENDER_WORDS:
        reading.seen.add("gender_word")
    last = ages[-1]
    reading.persons.append((int(last) if last.isdigit() else _SPELLED[last], _WHO[groups["who"]]))


def _take_finding(reading: _Reading, match: re.Match[str]) -> None:
    names = tuple(_symptom(reading, word) for word in re.findall(rf"{_SYMPTOM}(?!\w)", match["symptoms"]))
    if len(names) > 1:
        reading.seen.add("two_findings")
    reading.findings.append(names)


def _take_negation(reading: _Reading, match: re.Match[str]) -> None:
    reading.seen.add("negation")
    reading.negated.append(_symptom(reading, match["symptom"]))


def _take_history(reading: _Reading, match: re.Match[str]) -> None:
    reading.seen.add("history")


def _take_temp(reading: _Reading, match: re.Match[str]) -> None:
    value, unit = float(match["value"]), (match["unit"] or "")[:1]
    if not unit:
        # Nobody has 97 degrees Celsius or 37 Fahrenheit; anything between could be a slip in either.
        unit = "f" if value >= 96 else "c" if value < 38 else ""
    if unit == "f":
        reading.seen.add("fahrenheit")
    normal, high = {"c": ((36.0, 37.4), (38.0, 43.0)), "f": ((96.8, 99.3), (100.4, 109.4))}.get(unit, ((1, 0), (1, 0)))
    inside = {"normal": normal[0] <= value <= normal[1], "high": high[0] <= value <= high[1]}
    reading.temps.append(next((name for name, is_it in inside.items() if is_it), None))


def _take_relative(reading: _Reading, match: re.Match[str]) -> None:
    reading.seen.add("relative_date")
    reading.durations.append(world.RELATIVE_DATES[match["words"]])


def _take_span(reading: _Reading, match: re.Match[str]) -> None:
    count, unit = int(match["count"]), _UNITS[match["unit"]]
    if match["unit"] in world.SHORT_UNITS:
        reading.seen.add("short_unit")
    reading.durations.append(f"{count} {unit}{'' if count == 1 else 's'}" if count else "")


def _take_filler(reading: _Reading, match: re.Match[str]) -> None:
    reading.fillers += 1


def _symptom(reading: _Reading, word: str) -> str:
    """The full name of a symptom."""
    if word not in world.ABBREVIATIONS:
        return word
    reading.seen.add("abbreviation")
    return world.ABBREVIATIONS[word]


_TAKE = {
    "person": _take_person, "finding": _take_finding, "negation": _take_negation, "history": _take_history,
    "temp": _take_temp, "relative": _take_relative, "span": _take_span, "filler": _take_filler,
}  # fmt: skip


def _line(reading: _Reading) -> str | None:
    """The line, when every fact was said once and none contradicts another."""
    if not len(reading.persons) == len(reading.findings) == len(reading.durations) == 1:
        return None
    if len(reading.temps) > 1 or None in reading.temps or len(reading.negated) > 1:
        return None
    (age, sex), symptoms, duration = reading.persons[0], reading.findings[0], reading.durations[0]
    if not 1 <= age <= 119 or not duration or len(symptoms) > 2 or len(set(symptoms)) < len(symptoms):
        return None
    if set(reading.negated) & set(symptoms):
        return None
    negated = reading.negated[0] if reading.negated else "none"
    temp = reading.temps[0] if reading.temps else "none"
    return f"age: {age}; sex: {sex}; symptom: {', '.join(symptoms)}; negated: {negated}; duration: {duration}; temp: {temp}"
