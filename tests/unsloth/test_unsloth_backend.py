"""The Unsloth backend executed on a processor: it trains, saves PEFT's own files, and what it saved answers the same.

A base in 4 bits is trained on here, too: the package for it comes with this environment.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.student.client import JobFailed, StudentClient
from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings

ROOT = Path(__file__).resolve().parents[2]
BASE = str(ROOT / "models" / "demo-student")
FAMILY = "chatml"
ITEMS = world.draw_split(1, "train", 160)
PAIRS = [prompt_and_answer(FAMILY, "", item.note, item.line) for item in ITEMS]
SETTINGS = {
    "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0, "learning_rate": 3e-3, "warmup_share": 0.05, "weight_decay": 0.0,
    "max_grad_norm": 1.0, "steps": 40, "tokens_per_step": 768, "micro_batch": 16, "max_length": 256, "seed": 1,
    "dtype": "float32",
}  # fmt: skip

# A process of its own: Unsloth wants to be imported first, and patches what it finds.
RELOAD = """
import json, sys
from unsloth import FastLanguageModel
base, adapter, stop, prompts = json.loads(sys.stdin.read())
import torch
from peft import PeftModel
model, tokenizer = FastLanguageModel.from_pretrained(
    base, max_seq_length=256, load_in_4bit=False, dtype=torch.float32, local_files_only=True, use_exact_model_name=True)
model = PeftModel.from_pretrained(model, adapter)
FastLanguageModel.for_inference(model)
texts, stop = [], tokenizer.convert_tokens_to_ids(stop)
for prompt in prompts:
    ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    out = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=48, do_sample=False, eos_token_id=stop, pad_token_id=0)
    new = out[0, ids.shape[1]:].tolist()
    texts.append(tokenizer.decode(new[: new.index(stop)] if stop in new else new, skip_special_tokens=True))
print("ANSWERS " + json.dumps(texts))
"""


class Trained:
    """An adapter, its facts and its losses."""

    def __init__(self, client: StudentClient, folder: Path, backend: str, **more: int) -> None:
        examples = [TrainExample(id=str(number), prompt=prompt, answer=text) for number, (prompt, text) in enumerate(PAIRS[:128])]
        job = Train(base=BASE, to=str(folder), examples=examples, settings=TrainSettings(**SETTINGS, **more, backend=backend))
        self.folder, self.losses = folder, []
        self.facts = client.train(job, lambda step: self.losses.append(step.loss))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("unsloth")


@pytest.fixture(scope="module")
def unsloth(place):
    with StudentClient(place / "first", threads=2) as client:
        yield Trained(client, place / "by-unsloth", "unsloth")


@pytest.fixture(scope="module")
def peft(place):
    with StudentClient(place / "second", threads=2) as client:
        yield Trained(client, place / "by-peft", "peft")


@pytest.fixture(scope="module")
def answers(unsloth, place):
    """What this project's evaluation answers with the adapter that Unsloth trained."""
    found = [""] * 32
    prompts = [prompt for prompt, _ in PAIRS[128:]]
    job = Generate(
        base=BASE, adapter=str(unsloth.folder), prompts=prompts, stop=end_token(FAMILY), max_new_tokens=48, tokens_per_batch=4096
    )
    with StudentClient(place / "third", threads=2) as client:
        for positions, texts, _ in client.generate(job):
            for position, text in zip(positions, texts, strict=True):
                found[position] = text
    return found


def test_it_trains_and_says_what_it_ran_on(unsloth):
    assert unsloth.facts["backend"] == "unsloth" and unsloth.facts["device"] in ("cpu", "cuda")
    assert len(unsloth.losses) == 40 and unsloth.losses[-1] < 0.5 * unsloth.losses[0]


def test_its_losses_are_those_of_the_peft_backend(unsloth, peft):
    """Same draw of examples, same A matrices (both seed torch the same): the curves part only by rounding."""
    assert unsloth.losses[0] == pytest.approx(peft.losses[0], abs=2e-3)
    assert unsloth.losses[-1] == pytest.approx(peft.losses[-1], rel=0.25)


def test_its_files_are_pefts(unsloth, peft):
    def shapes(folder: Path) -> dict[str, tuple[str, list[int]]]:
        with (folder / "adapter_model.safetensors").open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return {name: (row["dtype"], row["shape"]) for name, row in header.items() if name != "__metadata__"}

    assert {file.name for file in unsloth.folder.iterdir()} == {file.name for file in peft.folder.iterdir()}
    assert shapes(unsloth.folder) == shapes(peft.folder)
    named = [json.loads((one.folder / "adapter_config.json").read_text()) for one in (unsloth, peft)]
    for key in ("r", "lora_alpha", "target_modules", "base_model_name_or_path", "peft_type", "bias"):
        assert named[0][key] == named[1][key], key


def test_reloaded_through_unsloth_it_answers_as_in_this_projects_evaluation(unsloth, answers, place):
    wanted = [BASE, str(unsloth.folder), end_token(FAMILY), [prompt for prompt, _ in PAIRS[128:]]]
    assert in_own_process(RELOAD, wanted, place) == answers
    assert sum(text == item.line for text, item in zip(answers, ITEMS[128:], strict=True)) > 8


@pytest.mark.parametrize("stop", [end_token(FAMILY), "; symptom"], ids=["one token", "several tokens"])
def test_its_own_inference_answers_as_this_projects_decoder(unsloth, place, stop):
    """Shorter and longer prompts in one batch, and batches of one; the model stays loaded between two jobs."""
    prompts = [prompt for prompt, _ in PAIRS[128:]]
    common = {"base": BASE, "adapter": str(unsloth.folder), "prompts": prompts, "stop": stop, "max_new_tokens": 48}
    texts: dict[str, list[dict[int, str]]] = {"unsloth": [], "peft": []}
    for backend in texts:
        with StudentClient(place / f"answers-{backend}-{len(stop)}", threads=2) as client:
            for tokens in (4096, 0, 400):
                job = Generate(**common, tokens_per_batch=tokens, backend=backend)
                found = {at: text for ats, told, _ in client.generate(job) for at, text in zip(ats, told, strict=True)}
                texts[backend].append(found)
                assert client.generate_facts()["backend"] == backend
    assert all(found == texts["peft"][0] for found in texts["peft"] + texts["unsloth"])
    assert sorted(texts["peft"][0]) == list(range(32)) and len(set(texts["peft"][0].values())) > 8


# In a process of its own, too.
RECOMPUTE = """
import json, sys
from pada_local.student.protocol import TrainExample, TrainSettings
from pada_local.worker import unsloth_backend
unsloth_backend.prepare()
import torch
from pada_local.worker.examples import tokenize
from pada_local.worker.lora import Loop
from pada_local.worker.models import load_tokenizer
base, pairs, settings = json.loads(sys.stdin.read())
wanted, found = TrainSettings(**settings), []
rows = tokenize(load_tokenizer(base), [TrainExample(str(n), *pair) for n, pair in enumerate(pairs)], 256)
for checkpointing in (False, True):
    model = unsloth_backend.add_adapter(unsloth_backend.load(base, wanted, torch.float32), wanted, checkpointing)
    kept = []
    def pack(tensor):
        kept.append(tensor.nbytes)
        return tensor
    loop = Loop(model, wanted, torch.float32, "cpu", 0, "unsloth")
    loop.follow(8, checkpointing)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = loop.accumulate(rows)
    found.append([loss, sum(float(weight.grad.abs().sum()) for weight in loop.weights), sum(kept)])
print("FOUND " + json.dumps(found))
"""


def in_own_process(program, given, place):
    """What the program prints after its last word in capitals."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "UNSLOTH_DISABLE_STATISTICS": "1"}
    environment |= {"UNSLOTH_COMPILE_LOCATION": str(place / "compiled")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, env=environment, cwd=place, timeout=900
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ANSWERS ", "FOUND "))]
    assert lines, done.stderr
    return json.loads(lines[-1].partition(" ")[2])


def test_layers_are_recomputed_only_when_asked_with_the_same_gradients(place):
    kept, recomputed = in_own_process(RECOMPUTE, [BASE, PAIRS[:24], SETTINGS], place)
    assert recomputed[:2] == pytest.approx(kept[:2], rel=1e-4)
    assert recomputed[2] < 0.6 * kept[2]


def test_nothing_is_left_outside_the_private_folder(unsloth, answers, tmp_path):
    there = [path for path in (ROOT / "unsloth_compiled_cache", Path.home() / "unsloth_compiled_cache") if path.exists()]
    assert not there


def test_asking_for_it_by_a_wrong_name_is_refused(place):
    job = Train(base=BASE, to=str(place / "no"), examples=[], settings=TrainSettings(**SETTINGS, backend="sloth"))
    with StudentClient(place / "fourth", threads=1) as client, pytest.raises(JobFailed, match="no backend"):
        client.train(job, lambda step: None)


def test_peft_trains_on_a_base_in_4_bits(place, peft):
    """bitsandbytes has a processor backend: the path that a card takes, executed."""
    with StudentClient(place / "fifth", threads=2) as client:
        one = Trained(client, place / "in-4-bits", "peft", base_bits=4)
        assert one.facts["base_precision"] == "nf4" and one.facts["backend"] == "peft"
        assert one.losses[-1] < 0.5 * one.losses[0]
        assert one.losses[0] == pytest.approx(peft.losses[0], rel=0.1)
        job = Generate(
            base=BASE, adapter=str(one.folder), prompts=[prompt for prompt, _ in PAIRS[128:]], stop=end_token(FAMILY),
            max_new_tokens=48, tokens_per_batch=4096,
        )  # fmt: skip
        texts = {at: text for positions, texts, _ in client.generate(job) for at, text in zip(positions, texts, strict=True)}
        assert client.generate_facts()["base_precision"] == "float32"
    assert sum(texts[at] == item.line for at, item in enumerate(ITEMS[128:])) > 8
