"""A tuned student leaves in every form and answers as it did; forms that cannot be right are refused."""

import json
import shutil

import msgspec
import pytest

from pada_local.data.templates import JINJA
from pada_local.errors import MissingError, StudentError, UsageError
from pada_local.export.models import Wish, check, export_model
from pada_local.export.subject import Item, Subject
from pada_local.runtime.catalog import resolve
from pada_local.runtime.converters import find_converters
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Merge
from tests.export.lora import make_lora
from tests.export.tiny_models import FAMILIES, make_model

NOTES = ["pt is a male of 50 years, nausea for 6 weeks", "woman, 31, cough since 2 days", "denies fever", "temp is 36.0 c",
         "grandfather aged 79 with headache", "no rash", "measured 37.3 celsius", "retired last spring"]  # fmt: skip
TUNED = {"llama-3": "llama-3", "qwen3": "chatml", "gemma-2": "gemma", "phi-3": "phi-3"}


def run(subject, to, **wish):
    return export_model(subject, to, Wish(**wish), lambda *_: None, lambda: False)


@pytest.fixture(scope="module")
def converters():
    try:
        return find_converters()
    except MissingError as error:
        pytest.skip(error.title)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """The demo student with a LoRA that changes its answers, and a system text."""
    base = resolve("demo-student")
    adapter = make_lora(base, tmp_path_factory.mktemp("lora"), size=0.02)
    items = [Item(str(n), text, f"age: {n}") for n, text in enumerate(NOTES)]
    return Subject(name="tuned", base=base, adapter=adapter, chat="chatml", system="Write a line.", metric="token_f1",
                   items=items, max_new_tokens=12)  # fmt: skip


def test_merged_weights_are_pefts_rounded_once(tuned, tmp_path):
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    report = run(tuned, tmp_path / "out", kind="merged")
    assert report["verdict"] == "same" and report["files"][0]["prompts_agreed"] == len(NOTES)
    base = AutoModelForCausalLM.from_pretrained(tuned.base, dtype=torch.float32)
    wanted = PeftModel.from_pretrained(base, tuned.adapter).merge_and_unload().state_dict()
    got = load_file(tmp_path / "out" / "model.safetensors")
    untouched = load_file(tuned.base / "model.safetensors")
    kind = next(iter(untouched.values())).dtype
    assert all(torch.allclose(got[name].float(), wanted[name].to(kind).float(), atol=1e-6, rtol=2**-8) for name in got)
    assert got.keys() == untouched.keys() and sum(not torch.equal(got[name], untouched[name]) for name in got) >= 28
    generation = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ends = generation["eos_token_id"]
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in (ends if isinstance(ends, list) else [ends])
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Licence" in card and not any(note in card for note in NOTES)


def test_gguf_of_16_and_fewer_bits(tuned, tmp_path, converters):
    report = run(tuned, tmp_path / "out", kind="gguf", types=("q4_k_m", "f16", "q8_0"))
    quantised, f16, q8 = report["files"]
    assert f16["verdict"] == "same" and f16["prompts_agreed"] == len(NOTES) and "loss" in quantised
    assert all(one["form"]["same_tokens"] == one["form"]["same_prompt"] == len(NOTES) for one in report["files"])
    size = {file.stem.rsplit("-", 1)[1]: file.stat().st_size for file in (tmp_path / "out").glob("*.gguf")}
    assert size["q4_k_m"] < size["q8_0"] < size["f16"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize("family", TUNED)
def test_a_tuned_model_of_each_family_in_its_own_chat_format(family, tmp_path, converters):
    base = make_model(tmp_path / "base", family)
    adapter = make_lora(base, tmp_path / "adapter")
    items = [Item(str(n), text, "x") for n, text in enumerate(NOTES)]
    subject = Subject(name="t", base=base, adapter=adapter, chat=TUNED[family], system="Be short.", metric="token_f1",
                      items=items, max_new_tokens=6)  # fmt: skip
    for kind in ("lora", "ollama"):
        [file] = run(subject, tmp_path / kind, kind=kind, types=("f32",))["files"]
        assert file["form"]["same_prompt"] == file["form"]["same_tokens"] == len(NOTES), file["form"]["first"]
        assert file["prompts_agreed"] >= len(NOTES) - (kind == "lora"), file["first_difference"]  # the base is in f16 there
    assert "FROM ./t-f32.gguf" in (tmp_path / "ollama" / "Modelfile").read_text()


def test_stories_equal_the_given_file_token_for_token(shared_weights, tmp_path, converters):
    from pada_local.export.parity import TEXTS
    from pada_local.export.subject import folder_subject
    from pada_local.teacher.exported import Exported

    given = shared_weights / "stories260K"
    report = run(folder_subject(given / "hf"), tmp_path / "out", kind="gguf", types=("f32", "f16"))
    assert [one["verdict"] for one in report["files"]] == ["same", "same"] and report["files"][0]["prompts_agreed"] == 64
    found = []
    for file in (given / "stories260K-f32.gguf", tmp_path / "out" / "hf-f32.gguf"):
        with Exported(file, 512, tmp_path / "server", exact=True) as server:
            ids = [server.tokenize(text, begin=True) for text in TEXTS]
            found.append((ids, [server.next_tokens(one, 64) for one in ids[:16]]))
    assert found[0] == found[1] and all(len(one) > 1 for one in found[0][1])


@pytest.mark.parametrize("template", ["{{ raise_exception('System role not supported') }}", "{{ messages[0]['content'] }}", ""])
def test_a_template_that_is_not_the_trained_one_is_replaced(template, tuned, tmp_path):
    """The complaint behind this: files that talk gibberish because of their template."""
    base = tmp_path / "base"
    shutil.copytree(tuned.base, base)
    config = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))
    [file] = run(msgspec.structs.replace(tuned, base=base), tmp_path / "out", kind="merged")["files"]
    assert file["verdict"] == "same" and file["form"]["same_prompt"] == len(NOTES)
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["chat_template"] == JINJA["chatml"]


def test_a_quantised_base_is_refused(tuned, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tuned.base, base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    with StudentClient(tmp_path / "w") as client, pytest.raises(StudentError, match="quantised"):
        client.export(Merge(base=str(base), adapter=str(tuned.adapter), to=str(tmp_path / "o")))


@pytest.mark.parametrize("wish", [{"types": ("q9_9",)}, {"types": ()}, {"kind": "ollama", "types": ("f16", "q8_0")}])
def test_wrong_wishes(wish):
    with pytest.raises(UsageError):
        check(Wish(**{"kind": "gguf"} | wish))


def test_every_named_family_is_there():
    assert {"llama-3", "qwen2.5", "qwen3", "gemma-2", "gemma-3", "smollm2", "phi-3"} <= FAMILIES.keys()
