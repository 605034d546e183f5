"""From files to a project: what is split, dropped, counted and refused, and that nothing is written when it is refused."""

from collections import Counter

import pytest

from pada_local.errors import DataError, MissingError, UsageError
from tests.intake.conftest import pairs


def splits(maker) -> dict[str, str]:
    return {example.input: example.split for example in maker.examples()}


def test_one_file_is_split_by_label_and_seed(maker):
    train = maker.file("t.jsonl", pairs(0, 100, 5))
    facts = maker.make(train)
    assert facts["examples"] == {"train": 60, "validation": 20, "test": 20}
    assert facts["labels"] == {f"label {n}": {"train": 12, "validation": 4, "test": 4} for n in range(5)}
    first = splits(maker)
    maker.path.unlink()
    maker.file("t.jsonl", pairs(0, 100, 5)[::-1])
    maker.make(train)
    assert splits(maker) == first, "the order of the file does not matter"
    maker.path.unlink()
    maker.make(train, seed=2)
    assert splits(maker) != first


def test_files_that_are_given_are_left_as_they_are(maker):
    given = {name: [maker.file(f"{name}.jsonl", pairs(at, at + 20))] for name, at in (("validation", 100), ("test", 200))}
    facts = maker.make(maker.file("t.jsonl", pairs(0, 50)), **given)
    assert facts["examples"] == {"train": 50, "validation": 20, "test": 20}
    assert [one["rows"] for one in facts["read"]] == [50, 20, 20]
    assert {example.source for example in maker.examples()} == {"t.jsonl", "validation.jsonl", "test.jsonl"}


def test_several_files_are_one_split(maker):
    files = [maker.file("a.jsonl", pairs(0, 30)), maker.file("b.jsonl", pairs(30, 60))]
    assert sum(maker.make(files)["examples"].values()) == 60


def test_duplicates_are_not_counted_as_data(maker):
    rows = pairs(0, 40)
    facts = maker.make(maker.file("t.jsonl", rows + rows[:7] + [(f" {rows[0][0]}\n", rows[0][1])]))
    assert facts["duplicates"] == 8 and sum(facts["examples"].values()) == 40
    assert facts["read"][0]["rows"] == 48


def test_contradictory_labels_are_counted_and_stay_in_one_split(maker):
    rows = pairs(0, 60)
    against = [(text, "label 7") for text, _ in rows[:30]]
    facts = maker.make(maker.file("t.jsonl", rows + against + against[:2]))
    assert facts["contradictory"] == 30 and facts["duplicates"] == 2
    assert "t.jsonl, line 1 and" in facts["contradiction"] and "line 61" in facts["contradiction"]
    where: dict[str, set[str]] = {}
    for example in maker.examples():
        where.setdefault(example.input, set()).add(example.split)
    assert all(len(found) == 1 for found in where.values()), "one question must not be in train and in test"


@pytest.mark.parametrize("output", ["label 0", "another"])
def test_an_example_in_two_splits_is_refused_or_dropped_from_train(maker, output):
    rows = pairs(0, 40)
    train, test = maker.file("t.jsonl", rows), maker.file("e.jsonl", [*pairs(100, 110), (f"{rows[4][0]}  ", output)])
    with pytest.raises(DataError, match="both in train and in test") as refused:
        maker.make(train, test=[test])
    assert "t.jsonl, line 5 and" in refused.value.detail and "e.jsonl, line 11" in refused.value.detail
    assert "--drop-overlap" in refused.value.fix and not maker.path.exists()
    facts = maker.make(train, test=[test], drop_overlap=True)
    assert facts["dropped_overlap"] == 1 and facts["examples"]["test"] == 11
    assert sum(facts["examples"].values()) == 50
    assert splits(maker)[f"{rows[4][0]}  "] == "test"


def test_an_example_in_validation_and_test_is_dropped_from_validation(maker):
    both = pairs(100, 110)
    files = {"validation": [maker.file("v.jsonl", both)], "test": [maker.file("e.jsonl", both[:4])]}
    facts = maker.make(maker.file("t.jsonl", pairs(0, 20)), drop_overlap=True, **files)
    assert facts["examples"] == {"train": 20, "validation": 6, "test": 4} and facts["dropped_overlap"] == 4


def test_near_duplicates_are_reported_and_kept(maker):
    text = "please send the blue parcel with the two red ribbons to my sister in the old town before noon on friday as promised"
    rows = [*pairs(0, 40), (text, "label 0"), (text.upper() + "!", "label 0")]
    facts = maker.make(maker.file("t.jsonl", rows))
    assert facts["near_duplicates"]["count"] == 1 and sum(facts["examples"].values()) == 42
    assert facts["near_duplicates"]["example"] == [text, text.upper() + "!"]


def test_metric_free_training_is_impossible(maker):
    """Every reference must get the full score when it answers itself, or no score of this metric means anything."""
    rows = [*pairs(0, 40), ("q", "no figure in here")]
    train = maker.file("t.jsonl", [(text, answer + " 5") for text, answer in rows[:40]] + rows[40:])
    with pytest.raises(DataError, match="cannot score") as refused:
        maker.make(train, metric="numeric_match")
    assert "t.jsonl, line 41: no figure in here" in refused.value.detail and "1 of 41" in refused.value.detail
    with pytest.raises(UsageError, match="nonsense"):
        maker.make(train, metric="nonsense")
    assert not maker.path.exists()


def test_column_errors_name_the_columns_that_are_there(maker):
    with pytest.raises(DataError) as refused:
        maker.make(maker.file("t.jsonl", pairs(0, 9)), input="Question")
    assert 't.jsonl, line 1: there is no column "Question", only "q", "a"' in refused.value.detail


def test_one_system_message_becomes_the_project_s_and_different_ones_stay_with_their_rows(maker):
    def chat(number: int, system: str) -> dict:
        said = [("system", system), ("user", f"question number {number}"), ("assistant", "yes")]
        return {"m": [{"role": role, "content": text} for role, text in said]}

    words = {"input": "", "output": "", "messages": "m"}
    facts = maker.make(maker.file("t.jsonl", [chat(n, "be brief") for n in range(20)]), **words)
    assert facts["settings"]["system"] == "be brief" and maker.examples()[0].input == "question number 0"
    maker.path.unlink()
    facts = maker.make(maker.file("t.jsonl", [chat(n, f"be {n}") for n in range(20)]), **words)
    assert facts["settings"]["system"] == "" and maker.examples()[3].input == "be 3\n\nquestion number 3"


def test_tags_are_kept(maker):
    rows = [{"q": f"question {n}", "a": "x", "kind": n % 3} for n in range(20)]
    maker.make(maker.file("t.jsonl", rows), tags=["kind", "@file"])
    assert Counter(example.tags["kind"] for example in maker.examples()) == {"0": 7, "1": 7, "2": 6}
    assert maker.examples()[0].tags["@file"] == "t.jsonl"


def test_a_student_without_a_chat_template_gets_the_plain_one(maker):
    facts = maker.make(maker.file("t.jsonl", pairs(0, 20)), system="Name the label.")
    assert facts["chat"] == "plain"
    assert facts["rendered"]["prompt"].startswith("Name the label.\nquestion ")
    assert facts["rendered"]["answer"].startswith("label ")


def test_free_text_has_no_labels(maker):
    assert maker.make(maker.file("t.jsonl", [(f"q {n}", f"text {n}") for n in range(30)]))["labels"] is None


def test_too_few_examples_to_split_are_refused(maker):
    with pytest.raises(DataError, match="no validation|no test"):
        maker.make(maker.file("t.jsonl", pairs(0, 2)))
    assert not maker.path.exists()


def test_nothing_is_read_for_a_file_that_is_taken_or_a_model_that_is_missing(maker):
    with pytest.raises(MissingError):
        maker.make("no.jsonl", student="nonsense")
    maker.path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        maker.make("no.jsonl")
    assert maker.path.read_text() == "mine"


def test_no_row_is_left_behind_beside_the_project(maker):
    with pytest.raises(DataError):
        maker.make(maker.file("t.jsonl", [*pairs(0, 30), ("q", "")]))
    assert sorted(path.name for path in maker.folder.iterdir()) == ["student", "t.jsonl", "teacher.gguf"]
