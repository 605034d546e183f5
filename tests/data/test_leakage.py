"""The leak guard: what it must catch, what it must let through, and that it never quotes."""

import random
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pada_local.data.leakage import LeakGuard, normalise_words
from pada_local.errors import UsageError

WORDS = [f"w{number}" for number in range(400)]
LONG = st.lists(st.sampled_from(WORDS), min_size=13, max_size=40)
EIGHT = st.lists(st.sampled_from(WORDS), min_size=8, max_size=8, unique=True)
PROSE = st.lists(st.sampled_from(["skill", "missing", "model", "reads", "wrong", "field"]), max_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, 58-year-old!", ["dont", "panic", "58", "year", "old"]),
        ("ＦＵＬＬ\u3000width", ["full", "width"]),
        ("zero\u200bwidth snake_case", ["zerowidth", "snake", "case"]),
        ("Straße — «ja»", ["strasse", "ja"]),
        ("頭痛", ["頭", "痛"]),
        ("हिन्दी", ["हिन्दी"]),
        (":-)", []),
    ],
)
def test_normalised_words(text, words):
    assert normalise_words(text) == words


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_takes_a_short_cut_to_the_same_words(text):
    assert normalise_words(text) == normalise_words(text + " \u00e9")[:-1]


@given(st.one_of(LONG, EIGHT))
def test_an_equal_input_is_refused_however_it_is_written(words):
    guard = LeakGuard([" ".join(words)], [])
    assert guard.refuses("  " + ", ".join(words).upper() + ".")
    assert guard.refuses_within("The question was: " + "-".join(words) + " and the model failed")


@given(secret=LONG, before=PROSE, after=PROSE, data=st.data())
def test_a_run_of_13_words_is_refused_unless_training_holds_it(secret, before, after, data):
    start = data.draw(st.integers(0, len(secret) - 13))
    part = secret[start : start + 13]
    text = " ".join([*before, *part, *after, *["padding"] * 14])
    guard = LeakGuard([" ".join(secret)], [])
    assert guard.refuses(text) and guard.refuses_within(text)
    if len(secret) > 13:
        taught = LeakGuard([" ".join(secret)], ["see " + " ".join(part) + " too"])
        assert not taught.refuses(text) and not taught.refuses_within(text)


@given(secret=LONG, before=PROSE, after=PROSE)
def test_12_words_of_a_long_input_are_no_leak(secret, before, after):
    assume(len(set(secret)) > 15)
    text = " ".join([*before, *secret[:12], *after])
    guard = LeakGuard([" ".join(secret)], [])
    assert not guard.refuses(text + " padding" * 13) and not guard.refuses_within(text)


@given(secret=EIGHT, place=st.integers(0, 7))
def test_eight_words_with_one_added_are_refused_and_with_one_changed_are_not(secret, place):
    guard = LeakGuard([" ".join(secret)], [])
    longer = [*secret[:place], "extra", *secret[place:]]
    changed = [*secret[:place], "other", *secret[place + 1 :]]
    assert guard.refuses(" ".join(longer)) and guard.refuses(" ".join(reversed(secret)))
    assert not guard.refuses(" ".join(changed))  # 7 of 9 words


@given(secret=st.lists(st.sampled_from(WORDS), min_size=10, max_size=12, unique=True), before=PROSE, after=PROSE)
def test_a_reworded_quote_inside_a_diagnosis_is_refused(secret, before, after):
    changed = [*secret[:4], "other", *secret[5:]]  # 9 of 11 words or more
    guard = LeakGuard([" ".join(secret)], [])
    assert guard.refuses_within(" ".join([*before, *changed, *after]))


@given(protected=st.lists(EIGHT, max_size=8), text=st.one_of(EIGHT, LONG), threshold=st.sampled_from([0.5, 0.7, 0.8, 1.0]))
def test_the_index_answers_as_comparing_with_each_would(protected, text, threshold):
    def jaccard(a, b):
        return len(set(a) & set(b)) / len(set(a) | set(b))

    guard = LeakGuard(map(" ".join, protected), [], jaccard=threshold)
    assert bool(guard.refuses(" ".join(text))) == any(jaccard(text, other) >= threshold for other in protected)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14), min_size=1, max_size=6), st.data())
def test_the_index_is_exact_in_a_small_vocabulary_too(protected, data):
    text = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14))

    def near(other):
        similar = len(set(text) & set(other)) / len(set(text) | set(other)) >= 0.8
        return text == other or (similar and min(len(text), len(other)) < 13)

    shared = {tuple(other[at : at + 13]) for other in protected for at in range(len(other) - 12)}
    run = any(tuple(text[at : at + 13]) in shared for at in range(len(text) - 12))
    assert bool(LeakGuard(map(" ".join, protected), []).refuses(" ".join(text))) == (run or any(map(near, protected)))


PROTECTED = [
    "what is the weather in rome today please",
    "how do I order a new card",
    "my card",
    "cough",
    "58 year old male with a cough for three days and a fever of 38.5 since last night",
]


@pytest.mark.parametrize(
    "diagnosis",
    [
        "negated symptom: The model writes a denied symptom such as cough into the symptom field.",
        "card orders: The model mixes up ordering a card with my card being lost, and answers about the weather.",
        "relative dates: The skill that is missing is turning a phrase such as since last night into a number of days.",
        "The model reads the age of a year old male wrong when it stands after the symptom.",
        "Write notes in which the duration comes first, then the age, then a cough or a fever; vary the numbers.",
    ],
)
def test_diagnoses_and_strategies_pass(diagnosis):
    assert LeakGuard(PROTECTED, ["cough since last night"]).refuses_within(diagnosis) == ""


@pytest.mark.parametrize(
    "diagnosis",
    [
        'It failed on "What is the weather in Rome today, please?" because of the place.',
        "It failed on what is the weather today in rome please",
        "how do I order a new card: wrong intent",
        "Given a 58 year old male with a cough for three days and a fever the model guessed.",
    ],
)
def test_quotes_are_refused_and_the_reason_quotes_nothing(diagnosis):
    reason = LeakGuard(PROTECTED, []).refuses_within(diagnosis)
    assert reason and not {"weather", "rome", "card", "cough", "fever"} & set(normalise_words(reason))


def test_an_anchor_near_a_protected_input_may_stand_in_a_prompt_but_not_the_protected_input():
    protected = "58 year old male with cough for 3 days"
    anchor = "61 year old male with cough for 3 days"
    guard = LeakGuard([protected], [anchor])
    assert guard.refuses_within(f"Input: {anchor} Output: 61; M") == ""
    assert guard.refuses_within(f"Input: {protected} Output: 58; M")
    assert guard.refuses_within(f"Input: {anchor} Output: 61 Input: 63 years old {protected[12:]}") == ""
    assert guard.refuses_within("Input: 62 year old male with cough for 3 days Output: 62; M")


def test_inputs_without_words_are_compared_as_they_are():
    guard = LeakGuard([":-)", ""], [])
    assert guard.refuses(" :-) ") and not guard.refuses(":-(") and not guard.refuses_within(":-(")


def test_senseless_settings_are_refused():
    with pytest.raises(UsageError):
        LeakGuard([], [], jaccard=0)


def test_a_check_stays_quick_with_many_protected_texts():
    draw = random.Random(0)
    texts = [
        f"{draw.randint(1, 99)} year old {' '.join(draw.choices(WORDS, k=5))} for {draw.randint(1, 9)} days"
        for _ in range(20_000)
    ]
    guard = LeakGuard(texts[:15_000], texts[15_000:])
    start = time.process_time()
    for text in texts[19_900:]:
        guard.refuses(text)
        guard.refuses_within(text + " and more " + texts[19_800])
    assert time.process_time() - start < 5
