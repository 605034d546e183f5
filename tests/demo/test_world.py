"""The demo's world: generator and oracle agree, splits are what they say, and the oracle refuses what it should."""

import random
from collections import Counter

import pytest

from pada_local.demo import oracle, world

GAPS_OF_SEEDS = {
    1: ("correction", "gender_word", "short_unit", "spelled_age"),
    2: ("fahrenheit", "negation", "spelled_age", "two_findings"),
    3: ("correction", "short_unit", "spelled_age"),
    4: ("abbreviation", "correction", "short_unit"),
    5: ("correction", "fahrenheit", "negation"),
}
PERSON, SPAN = "58 year old male", "for 3 weeks"


def draws(count: int, seed: int = 1) -> list[world.Item]:
    rng = random.Random(f"test-{seed}")
    return [world.draw_item(rng, world.SLICES[number % len(world.SLICES)]) for number in range(count)]


def test_oracle_agrees_with_the_generator():
    for item in draws(4_000):
        assert oracle.label(item.note) == item.line, item
        assert item.slice in oracle.slices(item.note), item


def test_other_wordings_keep_the_line():
    rng = random.Random("rephrase")
    for slice_name in world.SLICES:
        item, others = world.draw_rephrasings(rng, slice_name, 6)
        assert {oracle.label(note) for note in others} == {item.line}


def test_forms_are_many():
    notes = {item.note for item in draws(4_000, seed=2)}
    assert len(notes) >= 3_980


def test_gaps_are_three_or_four_and_fixed_by_the_seed():
    drawn = {seed: world.draw_gaps(seed) for seed in range(1, 6)}
    assert drawn == GAPS_OF_SEEDS
    for seed in range(6, 60):
        gaps = world.draw_gaps(seed)
        assert len(gaps) in (3, 4) and set(gaps) <= set(world.GAP_SLICES)
    assert len(world.draw_gaps(1, count=2)) == 2


@pytest.mark.parametrize("seed", range(1, 6))
def test_splits_are_balanced_apart_and_gaps_have_one_note(seed):
    gaps, taken = world.draw_gaps(seed), set()
    train = world.draw_split(seed, "train", 200, gaps, taken)
    validation = world.draw_split(seed, "validation", 150, taken=taken)
    test = world.draw_split(seed, "test", 400, taken=taken)
    assert [len(train), len(validation), len(test)] == [200, 150, 400]
    assert len({item.note for item in train + validation + test}) == 750 == len(taken)
    counts = Counter(item.slice for item in train)
    assert all(counts[name] == 1 for name in gaps)
    rest = [counts[name] for name in world.SLICES if name not in gaps]
    assert max(rest) - min(rest) <= 1
    for split in (validation, test):
        sizes = [Counter(item.slice for item in split)[name] for name in world.SLICES]
        assert max(sizes) - min(sizes) <= 1


def test_a_split_is_the_same_again():
    assert world.draw_split(3, "train", 50, world.draw_gaps(3)) == world.draw_split(3, "train", 50, world.draw_gaps(3))


@pytest.mark.parametrize(
    ("note", "line", "found"),
    [
        (
            "fifty-eight yo lady with sob x3wk, denies cough, temp 101.2 f",
            "age: 58; sex: F; symptom: shortness of breath; negated: cough; duration: 3 weeks; temp: high",
            ("negation", "abbreviation", "fahrenheit", "spelled_age", "gender_word", "short_unit"),
        ),
        (
            "both rash and ha since yesterday in a man aged 40 no sorry forty-one; history of numbness",
            "age: 41; sex: M; symptom: rash, headache; negated: none; duration: 1 day; temp: none",
            ("abbreviation", "spelled_age", "relative_date", "two_findings", "correction", "gender_word", "history"),
        ),
        (
            f"temp 98.6. {PERSON} with cough {SPAN}",
            "age: 58; sex: M; symptom: cough; negated: none; duration: 3 weeks; temp: normal",
            ("fahrenheit",),
        ),
        (
            f"{PERSON} with cough {SPAN}, walked in; non-smoker",
            "age: 58; sex: M; symptom: cough; negated: none; duration: 3 weeks; temp: none",
            ("chatter",),
        ),
        (
            f"{PERSON} with cough {SPAN}, walked in",
            "age: 58; sex: M; symptom: cough; negated: none; duration: 3 weeks; temp: none",
            ("plain",),
        ),
    ],
)
def test_combined_phrases_are_read(note, line, found):
    assert (oracle.label(note), oracle.slices(note)) == (line, found)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "hello there",
        f"58 60 year old male with cough {SPAN}",  # two ages, nothing says which
        f"{PERSON}, 60 year old male with cough {SPAN}",
        f"male with cough {SPAN}",  # no age
        f"ninety-five year old male with cough {SPAN}",  # a number that the world does not spell
        f"0 year old male with cough {SPAN}",
        f"58 year old person with cough {SPAN}",  # no sex
        f"{PERSON} with hiccups {SPAN}",  # unknown symptom
        f"{PERSON} with cough and hiccups {SPAN}",
        f"{PERSON} {SPAN}",  # no symptom
        f"{PERSON} with cough and cough {SPAN}",
        f"{PERSON} with cough plus rash plus nausea {SPAN}",  # three findings
        f"{PERSON} with cough {SPAN}, denies cough",  # contradiction
        f"{PERSON} with sob {SPAN}, denies shortness of breath",
        f"{PERSON} with cough {SPAN}, denies rash, no nausea",  # the line has room for one
        f"{PERSON} with cough",  # no duration
        f"{PERSON} with cough {SPAN} since yesterday",  # two durations
        f"{PERSON} with cough for 0 days",
        f"{PERSON} with cough for 3 years",
        f"{PERSON} with cough {SPAN}, temp 38.5",  # no unit, could be either
        f"{PERSON} with cough {SPAN}, temp 95.9",
        f"{PERSON} with cough {SPAN}, temp 37.7 c",  # neither normal nor high
        f"{PERSON} with cough {SPAN}, temp 99.9 f",
        f"{PERSON} with cough {SPAN}, temp 101 c",
        f"{PERSON} with cough {SPAN}, temp 36.6 c, measured 38.5 c",
        f"{PERSON} with cough {SPAN}, likes tea",  # unknown words
        f"{PERSON} with coughs {SPAN}",
    ],
)
def test_refused(note):
    assert oracle.label(note) is None
    assert oracle.slices(note) == ()
