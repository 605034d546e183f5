"""Tables of cases, one per metric: answer, reference, score."""

import pytest

import pada_local.metrics  # noqa: F401
from pada_local.metrics.registry import format_error, score
from pada_local.metrics.tokens import common_subsequence

CASES = {
    "exact_match": [
        (" 58; M \n", "58; M", 1.0),
        ("58; F", "58; M", 0.0),
        ("Yes", "yes", 0.0),
        ("a  b", "a b", 0.0),
    ],
    "normalised_match": [
        ("The Eiffel Tower!", "eiffel tower", 1.0),
        ("ｅｉｆｆｅｌ  tower", "Eiffel Tower", 1.0),
        ("don't", "dont", 1.0),
        ("3.5", "35", 0.0),
        ("-5", "5", 0.0),
        ("1,000", "1000", 1.0),
        ("A", "the", 0.0),
        ("A", "a", 1.0),
        ("Straße", "STRASSE", 1.0),
        ("?!", "!?", 0.0),
    ],
    "json_whole": [
        ('{"b": 2, "a": 1}', '{"a": 1, "b": 2.0}', 1.0),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 1.0),
        ('{"a": 1}', '{"a": 1, "b": 2}', 0.0),
        ('{"a": 1, "c": 0}', '{"a": 1}', 0.0),
        ('{"a": true}', '{"a": 1}', 0.0),
        ("no JSON", '{"a": 1}', 0.0),
    ],
    r"regex:#### (-?\d+)": [
        ("5 + 5 = 10 so #### 10", "#### 10", 1.0),
        ("#### 11", "#### 10", 0.0),
        ("10", "#### 10", 0.0),
        ("#### 10", "10", None),
    ],
    "regex:[A-D]": [("the answer is B.", "B", 1.0), ("C, not B", "B", 0.0)],
    "judge": [("The Answer!", "answer", 1.0), ("something else", "answer", None)],
    "label_accuracy": [
        ('"Card_Arrival".', "card_arrival", 1.0),
        ("(B)", "b", 1.0),
        ("C#", "C", 0.0),
        ("-1", "1", 0.0),
        ("card_arrival or lost_card", "card_arrival", 0.0),
        ("...", "...", 1.0),
    ],
    "numeric_match": [
        ("The answer is 42.", "42", 1.0),
        ("first 7, then 42", "7", 0.0),
        ("#### 18", "She has 3 + 15 = 18\n#### 18", 1.0),
        ("5 + 5 = 10\n#### 11", "10", 0.0),
        ("$1,234.50", "1234.5", 1.0),
        ("-$5", "-5", 1.0),
        ("$-5", "-5", 1.0),
        ("\u22125", "-5", 1.0),
        ("-5", "5", 0.0),
        ("3-5", "5", 1.0),
        ("x=-5", "-5", 1.0),
        ("5 kg", "5", 1.0),
        ("5kg", "5", 1.0),
        ("12 m2", "12", 1.0),
        ("50%", "50", 1.0),
        ("50 percent", "0.5", 1.0),
        ("0.5", "50%", 1.0),
        ("0.5%", "50%", 0.0),
        ("3/4", "0.75", 1.0),
        ("1 1/2", "1.5", 1.0),
        ("1.5e3", "1500", 1.0),
        (".5", "0.5", 1.0),
        ("5.0", "5", 1.0),
        ("10000000", "10000001", 0.0),
        ("no number", "5", 0.0),
        ("1/0", "5", 0.0),
        ("9" * 5000, "5", 0.0),
        ("\\boxed{7}", "7", 1.0),
    ],
    "token_f1": [
        ("the cat sat", "cat sat", 1.0),
        ("cat", "cat sat", 2 / 3),
        ("cat cat", "cat sat", 0.5),
        ("dog", "cat", 0.0),
        ("sat cat", "cat sat", 1.0),
    ],
    "rouge_l": [
        ("cat sat down", "cat sat down", 1.0),
        ("sat cat", "cat sat", 0.5),
        ("cat lay down", "cat sat down", 2 / 3),
        ("dog", "cat", 0.0),
    ],
    "json_fields": [
        ('{"a": 1, "b": "x "}', '{"b": "x", "a": 1.0}', 1.0),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 1.0),
        ('{"a": 1}', '{"a": 1, "b": 2}', 0.5),
        ('{"a": 1, "c": 3}', '{"a": 1}', 0.5),
        ('{"a": true}', '{"a": 1}', 0.0),
        ('{"a": [1, {"x": 2}]}', '{"a": [1.0, {"x": 2}]}', 1.0),
        ('{"a": 1, "a": 1}', '{"a": 1}', 0.0),
        ('{"a": NaN}', '{"a": 1}', 0.0),
        ("[1]", '{"a": 1}', 0.0),
        ('{"a": ' * 100_000, '{"a": 1}', 0.0),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", '{"a": 1}', 0.0),
    ],
}


@pytest.mark.parametrize(("name", "predicted", "expected", "value"), [(name, *case) for name in CASES for case in CASES[name]])
def test_case(name, predicted, expected, value):
    found = score(name, predicted, expected)
    assert found.value == pytest.approx(value)
    assert len(found.why) < 1000


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("numeric_match", "five"),
        ("numeric_match", "1/0"),
        ("json_fields", "[]"),
        ("json_fields", "{}"),
        ("json_fields", "{'a': 1}"),
    ],
)
def test_outputs_that_a_metric_cannot_check(name, output):
    assert format_error(name, output).endswith(".")
    assert score(name, output, output).value is None


def test_the_reason_names_the_difference():
    assert '"F"' in score("exact_match", "58; F", "58; M").why
    assert '"age"' in score("json_fields", '{"age": 5}', '{"age": 6}').why
    assert "7" in score("numeric_match", "7", "8").why


def test_common_subsequence_of_long_texts_is_quick_and_right():
    words = [str(number) for number in range(3000)]
    assert common_subsequence(words, words[::2]) == 1500
    assert common_subsequence(list("abcbdab"), list("bdcaba")) == 4
    assert common_subsequence([], ["a"]) == 0
