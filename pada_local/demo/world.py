"""The demo's world: clinic intake notes and the one structured line that each of them means.

The generator draws facts, picks one *slice* (a way of writing that a model has to learn) and words the facts that way.
Twelve slices exist; ten of them can be drawn as gaps, that is, left out of a project's training set.
Nothing here is about real people: every note is put together from the lists below.
The loop never imports this module; it makes the demo's data, trains the demo's teacher and measures (see `oracle`).
"""

import random
from dataclasses import dataclass, replace

TASK_CARD = "Read a clinic intake note and write one line: age; sex; symptom; negated; duration; temp."

SYMPTOMS = (
    "cough", "headache", "nausea", "dizziness", "fatigue", "rash", "chest pain", "chest tightness", "back pain",
    "sore throat", "abdominal pain", "joint pain", "shortness of breath", "palpitations", "vomiting", "diarrhea",
    "blurred vision", "ear pain", "leg swelling", "night sweats", "wheezing", "heartburn", "neck stiffness", "numbness",
)  # fmt: skip
ABBREVIATIONS = {
    "ha": "headache", "cp": "chest pain", "sob": "shortness of breath", "lbp": "back pain",
    "abdo pn": "abdominal pain", "palps": "palpitations", "ns": "night sweats", "bv": "blurred vision",
}  # fmt: skip
SEX_WORDS = {"male": "M", "female": "F"}
GENDER_WORDS = {
    "gentleman": "M", "lady": "F", "man": "M", "woman": "F", "father of two": "M", "mother of two": "F",
    "grandfather": "M", "grandmother": "F",
}  # fmt: skip
RELATIVE_DATES = {
    "since yesterday": "1 day", "since the day before yesterday": "2 days", "for a couple of days": "2 days",
    "since last week": "1 week", "for a fortnight": "2 weeks", "since last month": "1 month",
    "for half a year": "6 months",
}  # fmt: skip
SHORT_UNITS = {"d": "day", "w": "week", "wk": "week", "wks": "week", "mo": "month", "mos": "month"}
PERSON_FORMS = (
    "{age} year old {who}", "{age} yo {who}", "{who}, {age} years old", "{who} patient aged {age}", "{who} of {age} years",
)  # fmt: skip
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty"}
ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FILLERS = (
    "arrived by bus", "allergic to penicillin", "lives alone", "works as a teacher", "brought own chart",
    "speaks softly", "waiting for a bed", "has a dog at home", "wants a second opinion", "insurance card copied",
    "walked in", "sent by a neighbour", "non-smoker", "takes vitamin pills", "retired last spring",
)  # fmt: skip
NEVER_GAPS = ("plain", "chatter")
GAP_SLICES = (
    "negation", "abbreviation", "fahrenheit", "spelled_age", "relative_date", "two_findings", "correction",
    "gender_word", "short_unit", "history",
)  # fmt: skip
SLICES = NEVER_GAPS + GAP_SLICES


@dataclass(frozen=True)
class Facts:
    """What a note says. `duration` is in the words of the output line; `temp` is 'normal', 'high' or 'none'."""

    age: int
    sex: str
    symptoms: tuple[str, ...]
    negated: str
    duration: str
    temp: str

    def line(self) -> str:
        """The structured line that is the right answer for this note."""
        return (
            f"age: {self.age}; sex: {self.sex}; symptom: {', '.join(self.symptoms)}; negated: {self.negated}; "
            f"duration: {self.duration}; temp: {self.temp}"
        )


@dataclass(frozen=True)
class Item:
    """One labelled note."""

    note: str
    line: str
    slice: str


@dataclass(frozen=True)
class Wording:
    """The pieces of one note before they are put in order."""

    person: str
    finding: str
    span: str
    temp: str
    extra: str


def draw_item(rng: random.Random, slice_name: str) -> Item:
    """Draw one note of the slice with its right line. Raises KeyError for an unknown slice."""
    facts, wording = _draw_plain(rng)
    facts, wording = _WRITERS[slice_name](rng, facts, wording)
    return Item(_compose(rng, wording), facts.line(), slice_name)


def draw_rephrasings(rng: random.Random, slice_name: str, count: int) -> tuple[Item, list[str]]:
    """One note, and `count` other notes that word the same facts of the same slice differently."""
    facts, wording = _WRITERS[slice_name](rng, *_draw_plain(rng))
    notes: dict[str, None] = {}
    while len(notes) < count + 1:
        notes[_compose(rng, wording)] = None
    first, *others = notes
    return Item(first, facts.line(), slice_name), others


def draw_gaps(seed: int, count: int | None = None) -> tuple[str, ...]:
    """The slices missing from the training set of the project with this seed: three or four unless `count` is given."""
    rng = random.Random(f"gaps-{seed}")
    return tuple(sorted(rng.sample(GAP_SLICES, count or rng.choice((3, 4)))))


def draw_split(seed: int, name: str, size: int, gaps: tuple[str, ...] = (), taken: set[str] | None = None) -> list[Item]:
    """`size` distinct notes, balanced over the slices; each gap slice keeps one note only. `taken` collects used notes."""
    rng = random.Random(f"split-{name}-{seed}")
    taken = taken if taken is not None else set()
    full = [name for name in SLICES if name not in gaps]
    order = list(gaps) + [full[i % len(full)] for i in range(size - len(gaps))] if gaps else None
    order = order or [SLICES[i % len(SLICES)] for i in range(size)]
    items = []
    for slice_name in order:
        item = draw_item(rng, slice_name)
        while item.note in taken:
            item = draw_item(rng, slice_name)
        taken.add(item.note)
        items.append(item)
    rng.shuffle(items)
    return items


def spell(number: int) -> str:
    """'fifty-eight' for 58; numbers from 20 to 89."""
    tens, one = TENS[number // 10 * 10], ONES[number % 10]
    return f"{tens}-{one}" if one else tens


def plural(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


# --- wording -----------------------------------------------------------------------------------------------------------


def _draw_plain(rng: random.Random) -> tuple[Facts, Wording]:
    age, sex_word = rng.randint(20, 89), rng.choice(tuple(SEX_WORDS))
    symptom = rng.choice(SYMPTOMS)
    unit = rng.choice(("day", "week", "month"))
    count = rng.randint(1, {"day": 12, "week": 9, "month": 9}[unit])
    temp, temp_words = rng.choice((_celsius(rng), _celsius(rng), ("none", "")))
    facts = Facts(age, SEX_WORDS[sex_word], (symptom,), "none", plural(count, unit), temp)
    wording = Wording(_person(rng, str(age), sex_word), symptom, _span(rng, plural(count, unit)), temp_words, "")
    return facts, wording


def _celsius(rng: random.Random) -> tuple[str, str]:
    high = rng.random() < 0.5
    tenths = rng.randint(380, 404) if high else rng.randint(360, 374)
    value = f"{tenths // 10}.{tenths % 10}"
    words = rng.choice((f"temp {value} c", f"temperature {value} c", f"measured {value} celsius", f"temp is {value} c"))
    return ("high" if high else "normal"), words


def _person(rng: random.Random, age: str, who: str) -> str:
    return rng.choice(PERSON_FORMS).format(age=age, who=who)


def _span(rng: random.Random, duration: str) -> str:
    return rng.choice(("for {}", "for the past {}", "over the last {}", "lasting {}", "for about {}")).format(duration)


def _compose(rng: random.Random, w: Wording) -> str:
    verb = rng.choice(("with", "complains of", "presents with", "reports", "here for", "describes"))
    filler = rng.choice(FILLERS) if rng.random() < 0.35 else ""
    tail = [part for part in (w.temp, w.extra, filler) if part]
    rng.shuffle(tail)
    shape = rng.randrange(4)
    if shape == 0:
        head = f"{w.person} {verb} {w.finding} {w.span}"
    elif shape == 1:
        head = f"pt is a {w.person}, {verb} {w.finding} {w.span}"
    elif shape == 2:
        head = f"{w.finding} {w.span} in a {w.person}"
    else:
        head = f"intake: {w.person}. {verb} {w.finding} {w.span}"
    joiner = rng.choice((", ", ". ", "; "))
    if tail and rng.random() < 0.25:
        return f"{tail[0]}. " + joiner.join([head, *tail[1:]])
    return joiner.join([head, *tail])


# --- one writer per slice ----------------------------------------------------------------------------------------------


def _plain(rng, facts, w):
    return facts, w


def _chatter(rng, facts, w):
    return facts, replace(w, extra=", ".join(rng.sample(FILLERS, 2)))


def _negation(rng, facts, w):
    other = _other_symptom(rng, facts)
    words = rng.choice(("denies {}", "no {}", "without {}", "negative for {}", "no sign of {}")).format(other)
    return replace(facts, negated=other), replace(w, extra=words)


def _abbreviation(rng, facts, w):
    short = rng.choice(tuple(ABBREVIATIONS))
    return replace(facts, symptoms=(ABBREVIATIONS[short],)), replace(w, finding=short)


def _fahrenheit(rng, facts, w):
    high = rng.random() < 0.5
    tenths = rng.randint(1006, 1039) if high else rng.randint(970, 992)
    value = f"{tenths // 10}.{tenths % 10}"
    words = rng.choice((f"temp {value} f", f"temperature {value} f", f"measured {value} fahrenheit", f"temp is {value} f"))
    return replace(facts, temp="high" if high else "normal"), replace(w, temp=words)


def _spelled_age(rng, facts, w):
    who = next(word for word, sex in SEX_WORDS.items() if sex == facts.sex)
    return facts, replace(w, person=_person(rng, spell(facts.age), who))


def _relative_date(rng, facts, w):
    words = rng.choice(tuple(RELATIVE_DATES))
    return replace(facts, duration=RELATIVE_DATES[words]), replace(w, span=words)


def _two_findings(rng, facts, w):
    other = _other_symptom(rng, facts)
    form = rng.choice(("{} and {}", "{} plus {}", "{} along with {}", "both {} and {}", "{} together with {}"))
    return replace(facts, symptoms=(facts.symptoms[0], other)), replace(w, finding=form.format(facts.symptoms[0], other))


def _correction(rng, facts, w):
    wrong = rng.choice([age for age in range(20, 90) if age != facts.age])
    who = next(word for word, sex in SEX_WORDS.items() if sex == facts.sex)
    form = rng.choice(("{} no sorry {}", "{} correction {}", "{} rather {}", "{} scratch that {}"))
    return facts, replace(w, person=_person(rng, form.format(wrong, facts.age), who))


def _gender_word(rng, facts, w):
    who = rng.choice(tuple(GENDER_WORDS))
    form = rng.choice(("{age} year old {who}", "{age} yo {who}", "{who}, {age} years old", "{who} aged {age}"))
    return replace(facts, sex=GENDER_WORDS[who]), replace(w, person=form.format(age=facts.age, who=who))


def _short_unit(rng, facts, w):
    short = rng.choice(tuple(SHORT_UNITS))
    count = rng.randint(1, 9)
    words = rng.choice((f"x{count}{short}", f"x {count} {short}", f"for {count} {short}", f"past {count}{short}"))
    return replace(facts, duration=plural(count, SHORT_UNITS[short])), replace(w, span=words)


def _history(rng, facts, w):
    other = _other_symptom(rng, facts)
    words = rng.choice(("history of {}", "had {} years ago", "previous {} now resolved", "past episode of {}"))
    return facts, replace(w, extra=words.format(other))


def _other_symptom(rng: random.Random, facts: Facts) -> str:
    return rng.choice([name for name in SYMPTOMS if name not in facts.symptoms])


_WRITERS = {
    "plain": _plain, "chatter": _chatter, "negation": _negation, "abbreviation": _abbreviation,
    "fahrenheit": _fahrenheit, "spelled_age": _spelled_age, "relative_date": _relative_date,
    "two_findings": _two_findings, "correction": _correction, "gender_word": _gender_word,
    "short_unit": _short_unit, "history": _history,
}  # fmt: skip
