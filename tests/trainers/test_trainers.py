"""TRL, Axolotl and LLaMA-Factory read an exported data set with their own programs, as the page about it shows."""

import json

import pytest

from tests.export.exported import export_dataset, shown
from tests.export.reading import assert_as_trained, read

AXOLOTL = """
from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.utils.data import prepare_datasets
settings = load_cfg("notes.yml")
tokenizer = load_tokenizer(settings)
train, validation, _, _ = prepare_datasets(settings, tokenizer)
tell([*validation, *train], tokenizer)
"""

# Its package for sound loads only beside the CUDA build of PyTorch and is always imported: an empty module stands there.
LLAMA_FACTORY = """
import importlib.machinery, sys, types, yaml
sys.modules["torchaudio"] = types.ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from transformers import AutoTokenizer
settings = yaml.safe_load(open("notes.yml"))
model, data, training, _, _ = get_train_args(settings)
tokenizer = AutoTokenizer.from_pretrained(model.model_name_or_path)
template = get_template_and_fix_tokenizer(tokenizer, data)
found = get_dataset(template, model, data, training, stage="sft", tokenizer=tokenizer, processor=None)
tell([*found["eval_dataset"], *found["train_dataset"]], tokenizer)
"""


@pytest.fixture
def place(tmp_path):
    """A folder with `notes-data` in it, where the page's programs run as they stand."""
    export_dataset(tmp_path, "notes", "notes-data")
    return tmp_path


def halves(found, folder):
    """What was told of both splits: validation stands in front."""
    count = len((folder / "validation-chat.jsonl").read_text().splitlines())
    return found[:count], found[count:]


def test_trl_reads_it_and_learns_the_answers_alone(place):
    program = shown("TRL").replace('output_dir="out"', 'output_dir="out", use_cpu=True, bf16=False')
    program = program.replace("trainer.train()", "")  # its loss is written for a card (Triton)
    program += "batches = [trainer.data_collator([row]) for row in trainer.train_dataset]\n"
    program += "tell([{name: one[name][0].tolist() for name in ('input_ids', 'labels')} for one in batches],"
    assert_as_trained(read(program + " trainer.processing_class)", place), place / "notes-data")


def test_trl_takes_prompt_and_completion_for_bare_texts(place):
    data_utils = pytest.importorskip("trl.data_utils")
    chat, plain = (
        json.loads((place / "notes-data" / f"train-{form}.jsonl").read_text().splitlines()[0])
        for form in ("chat", "prompt-completion")
    )
    assert data_utils.is_conversational(chat) and not data_utils.is_conversational(plain)


def test_axolotl_reads_both_splits_from_the_settings_shown(place):
    (place / "notes.yml").write_text(shown("Axolotl"))
    found = read(AXOLOTL, place, AXOLOTL_DO_NOT_TRACK="1")
    validation, train = halves(found, place / "notes-data")
    assert_as_trained(validation, place / "notes-data", "validation")
    assert_as_trained(train, place / "notes-data")


@pytest.mark.parametrize("form", ["", "-prompt"])
def test_llama_factory_reads_both_forms_from_the_settings_shown(form, place):
    settings = shown("LLaMA-Factory").replace("template: llama3", "template: qwen")
    settings = settings.replace("notes-train", f"notes-train{form}").replace("notes-validation", f"notes-validation{form}")
    (place / "notes.yml").write_text(settings)
    found = read(LLAMA_FACTORY, place, DISABLE_VERSION_CHECK="1")
    validation, train = halves(found, place / "notes-data")
    assert_as_trained(validation, place / "notes-data", "validation")
    assert_as_trained(train, place / "notes-data")
