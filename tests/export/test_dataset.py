"""A data set that leaves a project is what the champion was trained on, with its lineage, and plain readers take it.

The trainers themselves read it in tests/trainers and tests/unsloth, in environments of their own.
"""

import json

import pytest

from pada_local.cli.call import call
from tests.export.exported import SYSTEM, export_dataset

TRAIN = ("train-chat", "train-prompt-completion")


@pytest.fixture
def exported(tmp_path):
    """The folder that the command writes for a project with a system text."""
    return export_dataset(tmp_path)


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_rows_are_those_of_the_champion_with_where_they_came_from(exported):
    rows = lines(exported / "train-chat.jsonl")
    assert [row["origin"] for row in rows] == ["example"] * 4 + ["pattern"]  # not what was written after the champion's training
    sample = rows[-1]
    assert (sample["id"], sample["run"], sample["round"], sample["strategy"]) == ("c0", "bbb2", 1, "edited")
    assert sample["pattern"].startswith("Negation")
    assert [one["role"] for one in sample["messages"]] == ["system", "user", "assistant"]
    assert sample["messages"][0]["content"] == SYSTEM
    plain = lines(exported / "train-prompt-completion.jsonl")
    assert (plain[0]["prompt"], plain[0]["completion"], plain[0]["system"]) == ("train 0", "0", SYSTEM)
    assert len(lines(exported / "validation-chat.jsonl")) == 10
    assert "test" not in {row["split"] for file in exported.glob("*.jsonl") for row in lines(file)}


def test_the_readers_of_trainers_take_both_forms(exported, tmp_path):
    """`datasets` is what TRL, Unsloth, Axolotl and LLaMA-Factory read such files with."""
    datasets = pytest.importorskip("datasets")
    for name in TRAIN:
        read = [
            datasets.load_dataset(kind, data_files=str(exported / f"{name}.{end}"), split="train", cache_dir=str(tmp_path / "c"))
            for kind, end in (("json", "jsonl"), ("parquet", "parquet"))
        ]
        assert read[0].to_list() == read[1].to_list() == lines(exported / f"{name}.jsonl")


def test_the_entry_for_llama_factory_names_files_and_columns_that_are_there(exported):
    for entry in json.loads((exported / "dataset_info.json").read_text()).values():
        row = lines(exported / entry["file_name"])[0]
        assert set(entry["columns"].values()) <= row.keys()


def test_nothing_is_written_over(exported, tmp_path):
    assert call(["export", str(tmp_path / "p.duckdb"), "--kind", "dataset", "--to", str(exported)]) == 2
