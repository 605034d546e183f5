"""What the student's base was trained on: no labelled note of a slice that a project's training set may lack."""

import random
from pathlib import Path

import pytest

from pada_local.demo import oracle, world

TRAINING = Path(__file__).resolve().parents[1] / "models" / "training"
DRAWS = 6_000
FIELD_NAMES = ("age: ", "sex: ", "symptom: ", "negated: ", "duration: ", "temp: ")


@pytest.fixture
def text(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))
    import pretrain_text

    return pretrain_text


def gap_notes(prompt: str) -> set[str]:
    """Slices of the notes that stand in the prompt, line by line, as far as they can be gaps."""
    return {name for line in prompt.splitlines() for name in oracle.slices(line)} & set(world.GAP_SLICES)


def is_label(answer: str) -> bool:
    """Whether the answer is a line of the world or a field of one."""
    return any(name in answer for name in FIELD_NAMES)


def test_the_measure_finds_a_planted_label():
    for name in world.GAP_SLICES:
        item = world.draw_item(random.Random(name), name)
        assert name in gap_notes(item.note) and name in gap_notes(f"{item.note}\nOnly age") and is_label(item.line)


def test_no_note_of_a_gap_slice_is_labelled(text):
    rng, labelled, plain = random.Random("pre-training"), 0, 0
    for _ in range(DRAWS):
        prompt, answer = text.draw(rng)
        if prompt:
            assert not gap_notes(prompt), f"a note of a slice that can be a gap has an answer: {prompt!r} -> {answer!r}"
            labelled += is_label(answer)
        else:
            # Plain text: notes of every slice, none of them beside its line.
            assert not is_label(answer), answer
            plain += any(gap_notes(answer))
    assert labelled > DRAWS / 10 and plain > DRAWS / 20, "the draws hold too little for this test to mean anything"


def test_labelled_notes_are_right(text):
    rng = random.Random("labels")
    for _ in range(300):
        note, line = text.never_gap_label(rng)
        assert oracle.label(note) == line and set(oracle.slices(note)) <= set(world.NEVER_GAPS)
        question, field = text.never_gap_field(rng)
        assert field in oracle.label(question.splitlines()[0]).split("; ")


def test_nothing_else_asks_for_a_line_of_this_world(text):
    """Exercises in other domains use field names of their own."""
    rng = random.Random("others")
    for draw in (text.repeat, text.span, text.number_words, text.other_domain):
        assert not any(is_label(answer) for answer in (draw(rng)[1] for _ in range(500))), draw.__name__
