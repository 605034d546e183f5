"""Batches and micro-batches follow the memory that is free; answers, losses and gradients do not change with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime import memory, needs
from pada_local.runtime.catalog import resolve
from pada_local.student.protocol import Generate, Step, Train, TrainExample
from pada_local.worker import answer, lora, models, room
from tests.worker.test_training import gradients, loop_and_step
from tests.worker.tiny import settings

BASE = str(resolve("demo-student"))
ITEMS = world.draw_split(1, "train", 64)
PAIRS = [prompt_and_answer("chatml", "", item.note, item.line) for item in ITEMS]
ROOT = Path(__file__).resolve().parents[2]


def train_with(free_mib: int, to: Path, monkeypatch: pytest.MonkeyPatch, shelf: models.Shelf) -> tuple[dict, list[float]]:
    """Facts and losses of a training on a machine with so much free memory."""
    monkeypatch.setattr(memory, "available_mib", lambda: free_mib)
    examples = [TrainExample(str(number), *pair) for number, pair in enumerate(PAIRS)]
    wanted = settings(micro_batch=16, tokens_per_step=900, steps=6, learning_rate=3e-3)
    losses: list[float] = []
    job = Train(base=BASE, to=str(to), examples=examples, settings=wanted)

    def told(message: object) -> None:
        if isinstance(message, Step):
            losses.append(message.loss)

    return lora.train(job, shelf, told), losses


def test_training_follows_the_memory_with_the_same_losses(tmp_path, monkeypatch):
    shelf = models.Shelf(lambda _message: None)
    found = [train_with(free, tmp_path / str(number), monkeypatch, shelf) for number, free in enumerate((4000, 30, 6, 4000))]
    how = [(facts["micro_batch"], facts["checkpointing"]) for facts, _ in found]
    assert how[0] == how[3] == (16, 0) and 1 <= how[1][0] < 16 and how[1][1] == 0 and how[2][1] == 1
    for _, losses in found[1:]:
        assert losses == pytest.approx(found[0][1], rel=2e-4)
    assert found[0][1] == found[3][1], "the base came back from the training with layers recomputed as it was"


def test_recomputed_layers_keep_less_and_give_the_same_gradients(student):
    kept, results = [], []
    for checkpointing in (False, True):
        loop, step = loop_and_step(student, micro_batch=16)
        loop.follow(16, checkpointing)
        sizes: list[int] = []

        def pack(tensor: torch.Tensor, to: list[int] = sizes) -> torch.Tensor:
            to.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            results.append(gradients(loop, step))
        kept.append(sum(sizes))
    assert kept[1] < 0.5 * kept[0]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_layers_are_recomputed_when_not_even_one_example_fits(student, monkeypatch):
    loop, step = loop_and_step(student, micro_batch=4)
    expected, whole = loop.accumulate(step), loop._loss

    def loss(batch: object) -> torch.Tensor:
        if not loop.checkpointing:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return whole(batch)

    monkeypatch.setattr(loop, "_loss", loss)
    assert loop.accumulate(step) == pytest.approx(expected, rel=1e-5)
    assert (loop.micro_batch, loop.checkpointing) == (1, True)


def answer_with(free_mib: int, tokens_per_batch: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[int, str]]:
    monkeypatch.setattr(memory, "available_mib", lambda: free_mib)
    job = Generate(
        base=BASE, adapter="", prompts=[prompt for prompt, _ in PAIRS], stop=end_token("chatml"), max_new_tokens=24,
        tokens_per_batch=tokens_per_batch, threads=1,
    )  # fmt: skip
    messages: list = []
    facts = answer.answer(job, models.Shelf(lambda _message: None), messages.append)
    texts = {at: text for one in messages for at, text in zip(one.positions, one.texts, strict=True)}
    return int(facts["largest_batch"]), texts


def test_batches_of_answers_follow_the_memory_with_the_same_texts(monkeypatch):
    sizes, texts = zip(
        *(answer_with(free, tokens, monkeypatch) for free, tokens in ((4000, 0), (30, 0), (1, 0), (0, 0), (1, 512))), strict=True
    )
    assert sizes[0] == sizes[3] == len(PAIRS) and sizes[0] > sizes[1] > sizes[2] >= 1, "0 MiB: the system does not say"
    longest = max(len(row) for row in models.encode(models.load_tokenizer(BASE), [prompt for prompt, _ in PAIRS]))
    assert 512 // (longest + 24) <= sizes[4] <= 512 // 24
    assert texts[0] == texts[1] == texts[2] == texts[3] == texts[4] and sorted(texts[0]) == list(range(len(PAIRS)))


def test_a_batch_that_ran_out_of_memory_makes_all_later_ones_smaller(monkeypatch):
    _, expected = answer_with(4000, 0, monkeypatch)
    tried: list[int] = []
    whole = answer.Decoder._decode

    def decode(decoder: answer.Decoder, prompts: list[list[int]]) -> list[list[int]]:
        tried.append(len(prompts))
        if len(prompts) > 8:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return whole(decoder, prompts)

    monkeypatch.setattr(answer.Decoder, "_decode", decode)
    largest, texts = answer_with(4000, 1024, monkeypatch)
    assert texts == expected and largest <= 8
    assert tried[0] > 8 and all(size <= 8 for size in tried[3:])


MEASURE = """
import json, re, sys
from pathlib import Path
from pada_local.student.protocol import Generate
from pada_local.worker import answer, models
facts = json.loads(sys.stdin.read())
shelf, peaks = models.Shelf(lambda message: None), []
for rows in (2, facts["rows"]):
    job = Generate(base=facts["base"], adapter="", prompts=facts["prompts"][:rows], stop="", max_new_tokens=facts["new"],
                   tokens_per_batch=10**9, threads=1)
    assert answer.answer(job, shelf, lambda message: None)["largest_batch"] == rows
    # Not getrusage: a started process inherits the peak of the one that started it.
    peaks.append(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
print(peaks[1] - peaks[0])
"""


def test_a_batch_takes_no_more_than_was_counted_for_it():
    """What a process grows by when it answers a large batch, beside the formula that sizes batches."""
    rows, new = 128, 40
    prompt = " ".join(item.note for item in ITEMS[:12])
    given = {"base": BASE, "prompts": [f"{number} {prompt}" for number in range(rows)], "rows": rows, "new": new}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    width = max(map(len, models.encode(models.load_tokenizer(BASE), given["prompts"])))
    counted = rows * needs.answer_bytes(room.shape_of(BASE), width, width + new, 4)
    measured = int(done.stdout.split()[-1])
    assert 0.2 * counted < measured < counted


@pytest.mark.parametrize(("limit", "expected"), [("max", 5000), ("1073741824", 624), ("9999999999999", 5000)])
def test_a_control_group_can_leave_less_than_the_machine(tmp_path, limit, expected):
    group = tmp_path / "sys/fs/cgroup/box"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 5120000 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/box\n")
    for name, text in (("max", limit), ("current", str(500 * 2**20)), ("stat", f"anon 5\ninactive_file {100 * 2**20}\n")):
        (group / f"memory.{name}").write_text(text)
    assert memory.available_mib(tmp_path) == expected
    (tmp_path / "proc/self/cgroup").unlink()
    assert memory.available_mib(tmp_path) == 5000
