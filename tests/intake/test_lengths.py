"""Token lengths at import: what is too long for the student is refused, or cut and counted; no answer is ever cut."""

import json
from pathlib import Path

import pytest

from pada_local.errors import DataError, StudentError
from tests.intake.conftest import Maker, pairs

CONTEXT = 200


@pytest.fixture
def maker(maker: Maker) -> Maker:
    """The student has a real tokenizer, one token a byte, and a context of 200; its weights are an empty file."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {piece: number for number, piece in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    folder = maker.folder / "student"
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": CONTEXT}))
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return maker


def test_lengths_are_told(maker):
    facts = maker.make(maker.file("t.jsonl", [(f"{n:03}" + "x" * 50, "answer") for n in range(40)]))["tokens"]
    # The plain format ends a turn with a new line.
    assert (facts["median"], facts["longest"], facts["longest_answer"]) == (60, 60, 6)
    assert (facts["context"], facts["truncated"], facts["over_max_length"]) == (CONTEXT, 0, 0)


def test_examples_longer_than_the_context_are_refused_and_counted(maker):
    rows = [*pairs(0, 30), ("x" * 300, "a"), ("x" * 301, "a")]
    with pytest.raises(DataError, match="context of 200") as refused:
        maker.make(maker.file("t.jsonl", rows))
    assert "2 of 32" in refused.value.detail and "t.jsonl, line 31: 302 tokens" in refused.value.detail
    assert "--truncate" in refused.value.fix and not maker.path.exists()


def test_truncate_cuts_inputs_to_the_context_and_counts_them(maker):
    rows = [*pairs(0, 30), ("x" * 300, "a" * 20), ("é" * 200, "a")]
    facts = maker.make(maker.file("t.jsonl", rows), truncate=True, system="Say it.")
    assert facts["tokens"]["truncated"] == 2 and facts["tokens"]["longest"] == CONTEXT
    kept = {example.output: example.input for example in maker.examples() if len(example.input) > 80}
    room = CONTEXT - len("Say it.\n\n")
    assert kept["a" * 20] == "x" * (room - 20)
    assert kept["a"] == "é" * ((room - 1) // 2), "no half of a character is left"


def test_what_was_cut_alike_is_one_example(maker):
    rows = [*pairs(0, 30), ("x" * 300, "a"), ("x" * 300 + "y", "a")]
    assert maker.make(maker.file("t.jsonl", rows), truncate=True)["duplicates"] == 1


def test_an_answer_is_never_cut(maker):
    with pytest.raises(DataError, match="without its input") as refused:
        maker.make(maker.file("t.jsonl", [*pairs(0, 30), ("question", "a" * 300)]), truncate=True)
    assert "t.jsonl, line 31" in refused.value.detail


def test_an_example_with_all_labels_masked_is_refused(maker):
    """An answer that has no token for this student carries no loss: training on it would be for nothing, or a NaN."""
    path = maker.folder / "student" / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": "☺"}, "content": ""}
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(DataError, match="no token") as refused:
        maker.make(maker.file("t.jsonl", [*pairs(0, 30), ("question", "☺")]))
    assert "t.jsonl, line 31" in refused.value.detail and "masked" in refused.value.detail


def test_lengths_that_cannot_be_known_are_said_to_be_unknown_and_cannot_be_cut(maker):
    (maker.folder / "student" / "tokenizer.json").write_text("{}")
    train = maker.file("t.jsonl", pairs(0, 30))
    assert "tokenizer" in maker.make(train)["tokens"]["unknown"]
    maker.path.unlink()
    with pytest.raises(StudentError):
        maker.make(train, truncate=True)
    assert not maker.path.exists()


def test_examples_over_the_recipes_usual_length_are_told(maker):
    config = Path(maker.folder / "student" / "config.json")
    config.write_text(json.dumps({"text_config": {"max_position_embeddings": 4000}}))
    facts = maker.make(maker.file("t.jsonl", [*pairs(0, 30), ("x" * 600, "a")]))["tokens"]
    assert (facts["context"], facts["over_max_length"], facts["max_length"]) == (4000, 1, 512)
