"""The demo's models are those that were recorded, and the teacher was trained on the prompts that are asked now."""

import json
from pathlib import Path

import pytest

from pada_local import prompts
from pada_local.runtime import catalog

MODELS = Path(__file__).resolve().parents[2] / "models"
REBUILD = (
    "The demo's teacher has never seen the prompts as they are now. Build it again (about an hour on two cores; docs/demo.md "
    "says more): python models/training/build.py base (unless build/models/base.safetensors is there), "
    "python models/training/build.py teacher, "
    "python models/training/build.py teacher --schedule flat --steps 1000, "
    "python models/training/build.py teacher --schedule cool --steps 1000 --start teacher.safetensors, "
    "python models/training/hashes.py. Changed prompts: "
)


NOT_ITS_JOB = {"grade"}
"""Asked only where a project's metric is `judge`, which the demo's is not."""


def test_the_teacher_was_trained_on_the_present_prompts():
    trained = json.loads((MODELS / "demo-teacher" / "prompts.json").read_text(encoding="utf-8"))
    present = {name: prompts.fingerprint(name) for name in prompts.names()}
    changed = sorted(name for name in (trained | present).keys() - NOT_ITS_JOB if trained.get(name) != present.get(name))
    assert not changed, REBUILD + ", ".join(changed)


@pytest.mark.parametrize("name", sorted(catalog.load_catalog(MODELS)))
def test_a_models_files_are_those_that_were_recorded(name):
    model = catalog.load_catalog(MODELS)[name]
    assert catalog.problems(model, MODELS) == [], "if they were rebuilt on purpose: python models/training/hashes.py"


@pytest.mark.parametrize("name", sorted(catalog.load_catalog(MODELS)))
def test_every_file_of_a_model_is_recorded(name):
    model = catalog.load_catalog(MODELS)[name]
    assert {file.name for file in (MODELS / model.path).iterdir()} == set(model.sha256)


def test_what_ships_is_small():
    size = sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file())
    assert size < 20e6, f"{size / 1e6:.1f} MB"


def test_student_and_teacher_are_the_size_that_the_documents_give():
    with (MODELS / "demo-student" / "model.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    numbers = 0
    for name, tensor in header.items():
        count = 1
        for side in tensor.get("shape", ()) if name != "__metadata__" else (0,):
            count *= side
        numbers += count
    assert 2.06e6 < numbers < 2.08e6
