"""The GGUF writer of the demo's models: llama.cpp must cut text into the same tokens and answer with the same text."""

import random
import sys
from pathlib import Path

import pytest

from pada_local.demo import world

ROOT = Path(__file__).resolve().parents[2]
STUDENT = ROOT / "models" / "demo-student"
TEXTS = (
    "58 year old male with cough for 3 weeks, temp 38.5 c",
    "pt is a female, thirty-five years old, denies night sweats. x3wk",
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
    '{"root_cause": "it\'s wrong", "scenario": "two  spaces\\n and a tab\\t"}',
    "line one\n\n   line two \n",
    "  leading and trailing  ",
    "I'll they've we're he'd it's don't I'm",
    "naïve café – Zürich 東京 🙂 Ω",
    "1234567 3.14159 1e-9 0x1F",
    "a\tb\r\nc",
    "UPPER lower MiXeD_case-with.dots/and:colons;semi",
    "!!! ??? ... --- === ### ***",
    "age: 58; sex: M; symptom: chest tightness; negated: fever; duration: 1 day; temp: high",
    "<|endoftext|>after the end",
    "x" * 200,
)
pytestmark = pytest.mark.skipif(not (STUDENT / "model.safetensors").exists(), reason="models/demo-student is not built")


@pytest.fixture(scope="module")
def student():
    transformers = pytest.importorskip("transformers")
    import torch

    tokenizer = transformers.AutoTokenizer.from_pretrained(STUDENT, local_files_only=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(STUDENT, local_files_only=True, dtype=torch.float32)
    return tokenizer, model.eval()


@pytest.fixture(scope="module")
def open_gguf(tmp_path_factory):
    llama_cpp = pytest.importorskip("llama_cpp")
    patch = pytest.MonkeyPatch()
    patch.setattr(llama_cpp.llama_cpp, "llama_model_default_params", without_repacking(llama_cpp.llama_model_default_params))
    sys.path.insert(0, str(ROOT / "models" / "training"))
    import gguf_file

    def open_as(kind: str):
        file = tmp_path_factory.mktemp("gguf") / f"{kind}.gguf"
        gguf_file.write(STUDENT, file, kind)
        return llama_cpp.Llama(str(file), n_ctx=1024, n_threads=1, n_gpu_layers=0, verbose=False, logits_all=True)

    yield open_as
    patch.undo()
    sys.path.remove(str(ROOT / "models" / "training"))


def without_repacking(defaults):
    """Weights as they are in the file: some virtual machines offer AMX and lose its state, and the process dies (SIGILL)."""

    def changed():
        params = defaults()
        params.use_extra_bufts = False
        return params

    return changed


def prompts() -> list[str]:
    """Chat prompts of every slice in the form that the student is asked in."""
    rng = random.Random("gguf")
    notes = [world.draw_item(rng, name).note for name in world.SLICES[::2]]
    return [f"<|im_start|>user\n{world.TASK_CARD}\n{note}<|im_end|>\n<|im_start|>assistant\n" for note in notes]


def test_tokens_are_the_same(student, open_gguf):
    tokenizer, _ = student
    llama = open_gguf("q8_0")
    for text in TEXTS:
        ids = llama.tokenize(text.encode(), add_bos=True, special=True)
        assert ids == tokenizer(text, add_special_tokens=False)["input_ids"], text
        assert llama.detokenize(ids, special=True).decode() == text


def greedy(student, prompt: str, count: int = 32) -> tuple[list[int], list[float]]:
    """Greedy ids of Transformers and how far each was ahead of the runner-up."""
    import torch

    tokenizer, model = student
    ids, margins = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"], []
    start = ids.shape[1]
    with torch.inference_mode():
        for _ in range(count):
            best = model(ids).logits[0, -1].topk(2)
            margins.append(float(best.values[0] - best.values[1]))
            ids = torch.cat((ids, best.indices[:1].view(1, 1)), 1)
            if int(ids[0, -1]) in (0, 2):
                break
    return ids[0, start:].tolist(), margins


def greedy_gguf(llama, prompt: str, count: int = 32) -> list[int]:
    llama.reset()
    answer = []
    for token in llama.generate(llama.tokenize(prompt.encode(), add_bos=True, special=True), temp=0.0):
        answer.append(token)
        if token in (0, 2) or len(answer) == count:
            return answer
    return answer


def test_greedy_text_is_the_same(student, open_gguf):
    """f16 against float32. Where they part, Transformers' two best tokens must have been all but equal."""
    llama = open_gguf("f16")
    for prompt in prompts():
        ours, margins = greedy(student, prompt)
        theirs = greedy_gguf(llama, prompt)
        part = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
        assert part is None or margins[part] < 0.02, (prompt, part, margins[part])


def test_eight_bits_keep_the_next_token(student, open_gguf):
    llama = open_gguf("q8_0")
    parted = 0
    for prompt in prompts():
        ours, margins = greedy(student, prompt, 1)
        parted += greedy_gguf(llama, prompt, 1) != ours and margins[0] > 0.3
    assert parted == 0
