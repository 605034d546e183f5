"""What `pada new` says it has read."""

import json

from tests.cli.conftest import pada


def test_a_person_is_told_what_was_read(tmp_path, models):
    text = "please send the blue parcel with two red ribbons to my sister in the old town before noon on friday as promised"
    rows = [{"q": f"note {n}", "a": f"label {n % 2}"} for n in range(40)]
    rows += [rows[0], {"q": "note 1", "a": "label 0"}, {"q": text, "a": "label 1"}, {"q": text + "!", "a": "label 1"}]
    (tmp_path / "t.json").write_text(json.dumps({"data": rows}, indent=1))
    test = [{"q": f"test {n}", "a": "label 1\x1b[2J"} for n in range(4)] + [rows[7]]
    (tmp_path / "e.json").write_text(json.dumps({"data": test}))
    done = pada("new", "p.duckdb", "--train", "t.json", "--test", "e.json", "--records", "data", "--input", "q", "--output", "a",
                "--metric", "label_accuracy", "--drop-overlap", "--system", "Name it.", *models, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout
    for sentence in (
        "t.json#data  json    train      44", "e.json#data  json    test       5",
        "Duplicates: 1 (the same", "Dropped: 1 (another split",
        "Contradictory: 1 (another output for an input that was there before, such as t.json, line 7 and t.json, line 167)",
        "Near duplicates: ", "Labels: 3: label 1 22, label 0 21", "Labels without a training example: label 1\\u001b[2J",
        "Token lengths are not known", "Chat format: plain, because", "---\nName it.\nnote ", "\n--->\nlabel ",
    ):  # fmt: skip
        assert sentence in said, (sentence, said)
    assert "\x1b" not in said and "\r" not in done.stderr, "no bar where nobody looks"


def test_programs_are_told_the_same(tmp_path, models, train_file):
    done = pada("new", tmp_path / "p.duckdb", "--train", train_file, "--input-template", r"Q: {question}\n{kind}", "--output",
                "answer", "--tags", "kind", "--metric", "exact_match", "--json", *models)  # fmt: skip
    facts = json.loads(done.stdout)
    assert facts["examples"] == {"train": 24, "validation": 8, "test": 8} and facts["duplicates"] == 0
    assert facts["rendered"]["prompt"].startswith("Q: note number ") and facts["chat"] == "plain"
    assert facts["read"] == [{"file": "train.jsonl", "format": "jsonl", "split": "train", "rows": 40}]
