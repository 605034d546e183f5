"""A LoRA from elsewhere becomes a scored run; what does not fit leaves the project as it was."""

import json
import shutil

import pytest

from pada_local import records
from pada_local.cli.call import call
from pada_local.records import Adapter, Example, Prediction, Run, content_id
from pada_local.runtime.catalog import resolve
from pada_local.store.project import Project
from tests.export.lora import make_lora

SETTINGS = {"task": "t", "metric": "exact_match", "system": "", "student": "demo-student", "teacher": "demo-teacher",
            "judge": "demo-teacher"}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    rows = [Example(id=content_id(split, n), split=split, position=n, input=f"note {n}", output=str(n))
            for split in ("train", "validation", "test") for n in range(3)]  # fmt: skip
    Project.create(tmp_path / "p.duckdb", SETTINGS, rows).close()
    return tmp_path / "p.duckdb"


@pytest.fixture
def lora(tmp_path):
    folder = make_lora(resolve("demo-student"), tmp_path / "lora")
    (folder / "training_args.bin").write_bytes(b"trainers leave this; it can run code")
    return folder


def test_it_is_scored_like_any_other_run(path, lora, tmp_path, capsys):
    assert call(["import-adapter", str(path), str(lora), "--name", "theirs", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    with Project.open(path) as project:
        [run] = project.get(Run)
        assert (run.id, run.recipe, run.state, run.champion_round) == (done["run"], "theirs", "done", 1)
        assert project.count(Prediction) == 6 and project.count(records.TestLook) == 1
        assert (
            project.adapter_files(done["adapter"])["adapter_model.safetensors"]
            == (lora / "adapter_model.safetensors").read_bytes()
        )
    assert done["validation"]["n"] == done["test"]["n"] == 3 and done["layers"] == 28
    assert call(["import-adapter", str(path), str(lora)]) == 2 and "already" in capsys.readouterr().err
    assert call(["export", str(path), "--kind", "adapter", "--to", str(tmp_path / "o")]) == 0
    assert (tmp_path / "o" / "adapter_model.safetensors").read_bytes() == (lora / "adapter_model.safetensors").read_bytes()
    assert call(["export", str(path), "--kind", "dataset", "--to", str(tmp_path / "d")]) == 2
    assert not (tmp_path / "d").exists()


def change(lora, **values):
    file = lora / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def wider(lora):
    from safetensors.torch import load_file, save_file

    file = lora / "adapter_model.safetensors"
    weights = load_file(file)
    name = next(one for one in weights if "lora_A" in one)
    weights[name] = weights[name].repeat(1, 2)
    save_file(weights, file)


WRONG = {
    "another base": wider,
    "DoRA": lambda lora: change(lora, use_dora=True),
    "no weights": lambda lora: (lora / "adapter_model.safetensors").unlink(),
    "no tensors": lambda lora: (lora / "adapter_model.safetensors").write_bytes(b"none"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_refused(what, path, lora, capsys):
    WRONG[what](lora)
    assert call(["import-adapter", str(path), str(lora)]) in (3, 5)
    assert "Traceback" not in capsys.readouterr().err
    with Project.open(path) as project:
        assert project.count(Run) == project.count(Adapter) == 0
    shutil.rmtree(lora)
