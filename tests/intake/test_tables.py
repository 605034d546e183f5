"""Parquet files and data-set folders: read by a worker, with the same refusals, naming file and row."""

import json
import os
import random
from contextlib import ExitStack
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from pada_local.data.columns import Taker
from pada_local.data.folders import splits_of
from pada_local.data.formats import Source
from pada_local.data.read import read_examples
from pada_local.data.refusal import Place
from pada_local.errors import DataError, PadaError, UsageError
from pada_local.intake.tables import Tables
from tests.intake.conftest import pairs


def parquet(maker, name: str, columns: dict, **words) -> str:
    path = maker.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path, **words)
    return str(path)


def columns(rows: list[tuple[str, object]]) -> dict:
    return {"q": [text for text, _ in rows], "a": [label for _, label in rows]}


def test_parquet_goes_in(maker):
    rows = pairs(0, 600)
    meta = [{"kind": n % 3, "at": None} for n in range(600)]
    many = columns(rows) | {"meta": meta, "score": [0.5] * 600, "unused": [b"x"] * 600}
    facts = maker.make(parquet(maker, "t.parquet", many, row_group_size=250), tags=["meta.kind", "score"])
    assert sum(facts["examples"].values()) == 600 and facts["read"][0]["format"] == "parquet"
    kept = maker.examples()
    assert [(example.input, example.output) for example in kept] == rows
    assert kept[4].tags == {"meta.kind": "1", "score": "0.5"}


GOOD = pairs(0, 30)
REFUSED = {
    "missing column": ({"q": ["x"], "b": ["y"]}, 1, 'no column "a", only "q", "b"'),
    "empty output": (columns([*GOOD, ("x", "")]), 31, '"a" is empty'),
    "null": (columns([*GOOD, ("x", None)]), 31, '"a" is empty'),
    "NaN": ({"q": ["x", "y"], "a": [1.5, float("nan")]}, 2, "nan"),
    "infinite": ({"q": ["x", "y"], "a": [[1.5], [float("inf")]]}, 2, "inf"),
    "bytes": ({"q": ["x"], "a": [b"y"]}, 1, "bytes"),
    "NUL": (columns([("x", "y\0")]), 1, "NUL"),
    "column twice": (pyarrow.table([["x"], ["y"], ["z"]], names=["q", "a", "a"]), 0, "twice"),
    "oversized": (columns([*GOOD, ("x" * 5_000_000, "y")]), 31, "longer than"),
    "far oversized": (columns([*GOOD, ("x" * 20_000_000, "y")]), 31, "longer than"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_names_file_and_row(maker, case):
    table, row, said = REFUSED[case]
    path = maker.folder / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table(table) if isinstance(table, dict) else table, path)
    with pytest.raises(DataError) as refused:
        maker.make(str(path))
    assert said in refused.value.detail and "t.parquet" in refused.value.detail
    assert not row or f"row {row}: " in refused.value.detail
    assert not maker.path.exists()


def test_a_group_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(maker, monkeypatch):
    from pada_local.student.protocol import ReadTable
    from pada_local.worker import problems, tables

    monkeypatch.setattr(tables, "MAX_GROUP_BYTES", 100_000)
    path = parquet(maker, "bomb.parquet", columns([(f"{n}" + "x" * 1000, "y") for n in range(300)]), compression="zstd")
    with pytest.raises(problems.JobError) as refused:
        tables.read_table(ReadTable(path=path, format="parquet", columns=["q", "a"]), lambda message: None)
    assert "unpack" in refused.value.title and "row group 1" in refused.value.detail


def test_one_long_value_in_many_rows_does_not_fill_the_memory(maker):
    """The file has a few megabytes, and its rows together five gigabytes."""
    text = pyarrow.array(["x" * 50_000_000])
    q = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 100, pyarrow.int32()), text)
    path = parquet(maker, "bomb.parquet", {"q": q, "a": ["y"] * 100}, compression="zstd", store_schema=False)
    assert os.path.getsize(path) < 5_000_000
    with pytest.raises(DataError, match="cannot be read|longer than"):
        maker.make(path)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_what_is_no_table_is_said_to_be_none(maker, name):
    path = maker.folder / name
    path.write_bytes(b"PAR1 or something else" * 20)
    with pytest.raises(DataError, match="cannot be read"):
        maker.make(str(path))


def saved(folder, rows: list[tuple[str, str]], files: int = 2) -> None:
    """What `Dataset.save_to_disk` leaves, with labels as numbers."""
    folder.mkdir(parents=True)
    names = sorted({label for _, label in rows})
    note = {"info": {"features": {"q": {"dtype": "string", "_type": "Value"}, "a": {"names": names, "_type": "ClassLabel"}}}}
    numbers = [(text, names.index(label)) for text, label in rows]
    listed = [f"data-{n:05}-of-{files:05}.arrow" for n in range(files)]
    for n, name in enumerate(listed):
        table = pyarrow.table(columns(numbers[n * len(rows) // files : (n + 1) * len(rows) // files]))
        table = table.replace_schema_metadata({"huggingface": json.dumps(note)})
        with pyarrow.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in listed]}))
    (folder / "dataset_info.json").write_text("{}")


def test_a_saved_data_set_goes_in_with_its_label_names(maker):
    saved(maker.folder / "set", pairs(0, 100))
    facts = maker.make(str(maker.folder / "set"))
    assert facts["examples"] == {"train": 60, "validation": 20, "test": 20} and set(facts["labels"]) == {"label 0", "label 1"}
    assert [(example.input, example.output) for example in maker.examples()] == pairs(0, 100)


def test_a_saved_dictionary_brings_its_splits(maker):
    home = maker.folder / "sets"
    for number, name in enumerate(("train", "validation", "test")):
        saved(home / name, pairs(number * 100, number * 100 + 30))
    (home / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation", "test"]}))
    assert maker.make(str(home))["examples"] == {"train": 30, "validation": 30, "test": 30}
    maker.path.unlink()
    facts = maker.make(f"{home}#test", validation=[f"{home}#validation"])
    assert facts["examples"]["validation"] == 30 and facts["examples"]["train"] + facts["examples"]["test"] == 30


def test_a_downloaded_folder_is_known_by_the_names_of_its_files(maker):
    home = maker.folder / "hub"
    for n in range(2):
        parquet(maker, f"hub/data/train-0000{n}-of-00002.parquet", columns(pairs(n * 50, n * 50 + 50)))
    parquet(maker, "hub/data/test-00000-of-00001.parquet", columns(pairs(200, 220)))
    (home / "README.md").write_text("about")
    assert maker.make(str(home))["examples"] == {"train": 80, "validation": 20, "test": 20}
    maker.path.unlink()
    with pytest.raises(DataError, match="Splits: test, train"):
        maker.make(f"{home}#nonsense")


def test_the_datasets_library_s_own_folders_go_in(maker):
    import datasets

    features = datasets.Features({"q": datasets.Value("string"), "a": datasets.ClassLabel(names=["label 0", "label 1"])})
    given = {name: datasets.Dataset.from_dict(columns(pairs(at, at + 40)), features=features) for name, at in
             (("train", 0), ("validation", 100), ("test", 200))}  # fmt: skip
    datasets.DatasetDict(given).shuffle(seed=1).save_to_disk(str(maker.folder / "real"))
    facts = maker.make(str(maker.folder / "real"))
    assert facts["examples"] == {"train": 40, "validation": 40, "test": 40} and set(facts["labels"]) == {"label 0", "label 1"}


HOSTILE = {
    "outside": {"_data_files": [{"filename": "../../secret.arrow"}]},
    "absolute": {"_data_files": [{"filename": "/etc/passwd"}]},
    "no files": {"_data_files": []},
    "an index": {"_data_files": [{"filename": "a.arrow"}], "_indices_files": [{"filename": "i.arrow"}]},
    "a list": [],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_folder_cannot_point_elsewhere(tmp_path, case):
    (tmp_path / "state.json").write_text(json.dumps(HOSTILE[case]))
    with pytest.raises(DataError, match="cannot be read"):
        splits_of(tmp_path)


def test_splits_outside_the_folder_are_refused(tmp_path):
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": [".."]}))
    with pytest.raises(DataError, match="outside"):
        splits_of(tmp_path)


def test_a_folder_without_a_data_set_is_named(maker):
    (maker.folder / "empty").mkdir()
    with pytest.raises((DataError, UsageError), match="no split train"):
        maker.make(str(maker.folder / "empty"))


def test_bent_tables_are_refused_with_a_sentence(maker):
    """The worker may die of such a file; this process says so and goes on."""
    whole = Path(parquet(maker, "whole.parquet", columns(pairs(0, 200)))).read_bytes()
    rng, path = random.Random(5), maker.folder / "bent.parquet"
    with ExitStack() as stack:
        tables = Tables(stack, maker.folder / "private")
        for _ in range(40):
            bent = bytearray(whole)
            for _ in range(rng.randint(1, 6)):
                bent[rng.randrange(len(bent))] = rng.randrange(256)
            path.write_bytes(bent[: rng.choice([len(bent), len(bent) // 2])])
            try:
                rows = list(read_examples(Source(path, "parquet"), Taker("q", "a"), Place(path), tables))
                assert len(rows) <= 200
            except PadaError as refused:
                assert str(refused)


def test_a_row_without_a_label_is_refused(maker):
    """In published test sets the label is often -1, which is not the last of the names."""
    home = maker.folder / "set"
    saved(home, pairs(0, 30), files=1)
    with pyarrow.ipc.open_stream(home / "data-00000-of-00001.arrow") as reader:
        table = reader.read_all()
    table = table.set_column(1, "a", pyarrow.array([*table["a"].to_pylist()[:-1], -1]))
    (home / "data-00000-of-00001.arrow").unlink()  # it is mapped into memory: not to be written over
    with pyarrow.ipc.new_stream(home / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match='row 30: the column "a" is empty'):
        maker.make(str(home))


def test_a_folder_with_several_data_sets_wants_one_to_be_named(maker):
    for name in ("small", "large"):
        parquet(maker, f"hub/{name}/train-00000-of-00001.parquet", columns(pairs(0, 30)))
    with pytest.raises(DataError, match="more than one data set") as refused:
        maker.make(str(maker.folder / "hub"))
    assert "large, small" in refused.value.detail
    assert maker.make(str(maker.folder / "hub" / "small"))["examples"]["train"] == 18


def test_folders_may_be_the_splits(maker):
    for at, name in enumerate(("train", "dev")):
        parquet(maker, f"hub/{name}/0000.parquet", columns(pairs(at * 100, at * 100 + 30)))
    assert maker.make(str(maker.folder / "hub"))["examples"] == {"train": 24, "validation": 30, "test": 6}
