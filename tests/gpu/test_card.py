"""On a card: 4-bit training through Unsloth and through PEFT, what they take beside what was planned, and memory given back."""

import json
import time

import pytest

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime import examine, memory, needs
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings
from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import Analysis
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings

FAMILY = "chatml"
PAIRS = [prompt_and_answer(FAMILY, "", item.note, item.line) for item in world.draw_split(1, "train", 200)]
SETTINGS = {
    "lora_rank": 16, "lora_alpha": 32, "lora_dropout": 0.0, "learning_rate": 2e-4, "warmup_share": 0.05, "weight_decay": 0.0,
    "max_grad_norm": 1.0, "steps": 10, "tokens_per_step": 2048, "micro_batch": 8, "max_length": 512, "seed": 1,
}  # fmt: skip
TOLERANCE = 0.15
"""By how much prediction and measurement may differ."""
SAME_FIRST_TOKENS = 0.9
"""Share of answers that must begin with the same token through both backends in bfloat16."""
LEFT_MIB = 64
"""What the driver may keep after a process has ended."""


def used_mib() -> int:
    return max(card.total_mib - card.free_mib for card in memory.gpus())


def given_back(before: int) -> bool:
    """Whether the card is as it was, within ten seconds of a process's end."""
    until = time.monotonic() + 10
    while used_mib() > before + LEFT_MIB and time.monotonic() < until:
        time.sleep(0.2)
    return used_mib() <= before + LEFT_MIB


@pytest.fixture(scope="module")
def trained(student, tmp_path_factory):
    """Adapter folder, losses and facts by backend."""
    found = {}
    for backend in ("unsloth", "peft"):
        before, client = used_mib(), StudentClient(tmp_path_factory.mktemp(backend))
        folder, losses = tmp_path_factory.mktemp("adapter") / backend, []
        examples = [TrainExample(id=str(number), prompt=prompt, answer=text) for number, (prompt, text) in enumerate(PAIRS)]
        job = Train(base=str(student), to=str(folder), examples=examples, settings=TrainSettings(**SETTINGS, backend=backend))
        facts = client.train(job, lambda step, to=losses: to.append(step.loss))
        client.close()
        found[backend] = (folder, losses, facts, given_back(before))
    return found


def test_four_bits_on_the_card(trained):
    for backend, (_, losses, facts, _) in trained.items():
        assert (facts["backend"], facts["device"], facts["base_precision"]) == (backend, "cuda", "nf4")
        assert losses[-1] < losses[0]


def test_the_first_loss_is_the_same_through_both(trained):
    assert trained["unsloth"][1][0] == pytest.approx(trained["peft"][1][0], rel=0.02)


def test_adapters_have_pefts_format(trained):
    configs = [json.loads((trained[name][0] / "adapter_config.json").read_text()) for name in ("unsloth", "peft")]
    assert configs[0]["target_modules"] == configs[1]["target_modules"] and configs[0]["r"] == configs[1]["r"] == 16
    sizes = [(trained[name][0] / "adapter_model.safetensors").stat().st_size for name in ("unsloth", "peft")]
    assert sizes[0] > 20e6 and sizes[0] <= sizes[1] * 2.1, "16 or 32 bits a weight"


def test_memory_is_back_when_the_worker_has_ended(trained):
    assert [back for *_, back in trained.values()] == [True, True]


@pytest.mark.parametrize("backend", ["unsloth", "peft"])
def test_the_plan_is_near_what_training_took(trained, student, backend):
    facts, shape = trained[backend][2], examine.folder_shape(student)
    longest = max(len(prompt + text) for prompt, text in PAIRS) // 3
    recomputed = bool(facts["checkpointing"])
    planned = needs.training_bytes(shape, needs.Wish(), facts["micro_batch"], longest, recomputed, on_card=True)
    assert facts["peak_bytes"] == pytest.approx(planned.total - planned.framework, rel=TOLERANCE)


def test_an_adapter_of_unsloth_answers_through_peft(trained, student, tmp_path):
    client = StudentClient(tmp_path)
    job = Generate(
        base=str(student), adapter=str(trained["unsloth"][0]), prompts=[prompt for prompt, _ in PAIRS[:16]],
        stop=end_token(FAMILY), max_new_tokens=16, tokens_per_batch=4096,
    )  # fmt: skip
    positions = [position for batch, _, _ in client.generate(job) for position in batch]
    client.close()
    assert sorted(positions) == list(range(16))


def test_unsloths_inference_begins_answers_as_peft_does(trained, student, tmp_path):
    """In 16 bits the two part sooner or later, with random weights sooner: what is compared is each answer's first token."""
    first: dict[str, dict[int, int]] = {}
    for backend in ("unsloth", "peft"):
        client = StudentClient(tmp_path / backend)
        job = Generate(
            base=str(student), adapter=str(trained["unsloth"][0]), prompts=[prompt for prompt, _ in PAIRS], dtype="bfloat16",
            stop=end_token(FAMILY), max_new_tokens=4, tokens_per_batch=0, backend=backend, with_ids=True,
        )  # fmt: skip
        ids = client.generate_ids(job)
        assert client.generate_facts()["backend"] == backend
        client.close()
        first[backend] = {at: row[0] for at, row in enumerate(ids) if row}
    same = sum(first["peft"].get(at) == first["unsloth"].get(at) for at in range(len(PAIRS)))
    assert same >= SAME_FIRST_TOKENS * len(PAIRS)


def test_the_teacher_takes_what_was_planned_and_gives_it_back(teacher, tmp_path):
    before = used_mib()
    server = LlamaServer(teacher, Settings(slots=8, context=1024), folder=tmp_path)
    replies = {}
    asks = [Ask(purpose="x", prompt=f"Question {number}.", schema=Analysis, max_tokens=16) for number in range(8)]
    server.ask_all(asks, replies.__setitem__, lambda: False)
    taken = used_mib() - before
    server.close()
    planned = needs.teacher_bytes(examine.gguf_shape(teacher), teacher.stat().st_size, 8, 1024) / 2**20
    assert len(replies) == 8 and taken == pytest.approx(planned, rel=TOLERANCE)
    assert given_back(before)
