"""Fine-tuning through the client, with a real (tiny) model."""

import importlib.util
from pathlib import Path

import pytest
import torch

from pada_local.student.client import JobFailed, StudentClient
from pada_local.student.protocol import Step, TrainExample
from pada_local.worker import lora
from pada_local.worker.examples import Tokens, draw_steps, micro_batches, tokenize
from pada_local.worker.lora import Loop, learning_rate
from pada_local.worker.models import load_base, load_tokenizer
from tests.worker.tiny import example, generate_job, make_student, prompt, settings, train_job


@pytest.fixture(scope="module")
def adapter(client: StudentClient, student: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Step], dict]:
    folder, steps = tmp_path_factory.mktemp("adapter"), []
    facts = client.train(train_job(student, folder, steps=60), steps.append)
    return folder, steps, facts


def test_loss_falls_and_facts_are_told(adapter: tuple[Path, list[Step], dict]) -> None:
    folder, steps, facts = adapter
    assert [step.step for step in steps] == list(range(1, 61))
    assert steps[-1].loss < 0.3 * steps[0].loss
    assert all(step.tokens >= 256 for step in steps)
    assert facts["tokens"] == sum(step.tokens for step in steps) and facts["seconds"] > 0
    assert facts["backend"] == "peft" and facts["dtype"] == "float32"
    assert sorted(file.name for file in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert str(folder.parent) not in (folder / "adapter_config.json").read_text()


def test_adapter_changes_the_answers_and_batches_do_not(
    client: StudentClient, student: Path, adapter: tuple[Path, list[Step], dict]
) -> None:
    prompts = [prompt(number) for number in range(23)]
    answers = []
    for tokens_per_batch in (1, 200, 100_000):
        found: dict[int, str] = {}
        for positions, texts, tokens in client.generate(generate_job(student, adapter[0], prompts, tokens_per_batch)):
            found |= dict(zip(positions, texts, strict=True))
            assert len(tokens) == len(positions)
        assert sorted(found) == list(range(23))
        answers.append(found)
    assert answers[0] == answers[1] == answers[2]
    assert client.generate_facts()["largest_batch"] == 23
    right = sum(answers[0][number] == example(number).answer.removesuffix("<|im_end|>") for number in range(16))
    assert right >= 12
    untrained = {p: t for ps, ts, _ in client.generate(generate_job(student, "", prompts)) for p, t in zip(ps, ts, strict=True)}
    assert untrained != answers[0]


def test_two_runs_are_byte_identical(client: StudentClient, student: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        client.train(train_job(student, tmp_path / name, steps=3), lambda step: None)
    client.close()  # and once more in a fresh worker
    client.train(train_job(student, tmp_path / "c", steps=3), lambda step: None)
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert len({(tmp_path / name / file).read_bytes() for name in "abc"}) == 1


def test_bfloat16_trains_too(client: StudentClient, student: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    facts = client.train(train_job(student, tmp_path / "a", dtype="bfloat16", steps=15, lora_dropout=0.1), steps.append)
    assert facts["dtype"] == "bfloat16" and steps[-1].loss < steps[0].loss


@pytest.mark.parametrize(
    ("bad", "words"),
    [(TrainExample("empty-7", prompt(0), ""), "empty-7"), (TrainExample("long-9", prompt(0), "x" * 200), "long-9")],
    ids=["all labels masked", "too long"],
)
def test_bad_examples_are_refused_before_training(
    client: StudentClient, student: Path, tmp_path: Path, bad: TrainExample, words: str
) -> None:
    steps: list[Step] = []
    with pytest.raises(JobFailed, match=words) as caught:
        client.train(train_job(student, tmp_path / "a", [example(0), bad]), steps.append)
    assert caught.value.kind == "data" and not steps and not (tmp_path / "a").exists()


@pytest.mark.parametrize("steps", [1, 20])
def test_divergence_is_refused(client: StudentClient, student: Path, tmp_path: Path, steps: int) -> None:
    with pytest.raises(JobFailed, match="diverged") as caught:
        client.train(train_job(student, tmp_path / "a", learning_rate=1e30, warmup_share=0.0, steps=steps), lambda step: None)
    assert caught.value.kind == "nan" and not (tmp_path / "a").exists()


def test_broken_base_is_refused_at_the_first_step(client: StudentClient, tmp_path: Path) -> None:
    base, steps = make_student(tmp_path / "broken", broken=True), []
    with pytest.raises(JobFailed, match="step 1") as caught:
        client.train(train_job(base, tmp_path / "a"), steps.append)
    assert caught.value.kind == "nan" and not steps


@pytest.mark.parametrize(("changes", "package"), [({"backend": "unsloth"}, "unsloth"), ({"base_bits": 4}, "bitsandbytes")])
def test_what_needs_a_package_that_is_not_here_is_refused(client, student, tmp_path, changes, package) -> None:
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is here")
    with pytest.raises(JobFailed, match=package) as caught:
        client.train(train_job(student, tmp_path / "a", **changes), lambda step: None)
    assert "pada-local[gpu]" in caught.value.fix


def test_held_out_examples_stop_training_early_and_the_best_adapter_is_kept(client, student, tmp_path) -> None:
    """With a rate that is far too high the held-out loss rises soon after it fell."""
    steps: list[Step] = []
    watched = {"held_out_share": 0.25, "check_every": 2, "patience": 3, "steps": 200, "learning_rate": 0.2}
    facts = client.train(train_job(student, tmp_path / "a", **watched), steps.append)
    looks = [(step.step, step.held_out_loss) for step in steps if step.held_out_loss is not None]
    assert facts["steps"] == len(steps) < 200
    assert [number for number, _ in looks] == list(range(2, len(steps) + 1, 2))
    best = min(looks, key=lambda look: look[1])
    assert (facts["best_step"], facts["held_out_loss"]) == best and best[0] == len(steps) - 2 * 3
    again: list[Step] = []
    client.train(train_job(student, tmp_path / "b", **watched), again.append)
    assert [step.loss for step in again] == [step.loss for step in steps]
    names = ("a", "b")
    assert len({(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in names}) == 1


def test_nothing_is_held_out_unless_asked(client, student, tmp_path) -> None:
    steps: list[Step] = []
    facts = client.train(train_job(student, tmp_path / "a", steps=4), steps.append)
    assert all(step.held_out_loss is None for step in steps) and "best_step" not in facts


# --- parts, without a process ----------------------------------------------------------------------------------------


def loop_and_step(student: Path, **changes: object) -> tuple[Loop, list[Tokens]]:
    chosen = settings(**changes)
    model = lora.add_adapter(load_base(str(student), torch.float32), chosen, torch.float32)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(std=0.1)  # B begins at zero, where half of the gradients are zero too
    tokens = tokenize(load_tokenizer(str(student)), [example(number) for number in range(16)], 128)
    return Loop(model, chosen, torch.float32, "cpu", 0, "peft"), next(draw_steps(tokens, 256, 0))


def gradients(loop: Loop, step: list[Tokens]) -> tuple[float, list[torch.Tensor]]:
    loss = loop.accumulate(step)
    return loss, [weight.grad.clone() for weight in loop.weights]


def test_micro_batch_does_not_change_loss_or_gradient(student: Path) -> None:
    results = [gradients(*loop_and_step(student, micro_batch=size)) for size in (1, 3, 64)]
    for loss, grads in results[1:]:
        assert loss == pytest.approx(results[0][0], rel=1e-5)
        for one, other in zip(results[0][1], grads, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_lean_forward_and_label_only_logits_equal_the_plain_way(student: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss, grads = gradients(*loop_and_step(student))
    monkeypatch.setattr(lora, "use_lean_forward", lambda model, dtype: None)
    monkeypatch.setattr(lora, "PLAIN_HEADS", frozenset())
    plain_loss, plain_grads = gradients(*loop_and_step(student))
    assert loss == pytest.approx(plain_loss, rel=1e-5)
    for one, other in zip(grads, plain_grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_out_of_memory_halves_the_micro_batch(student: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, step = loop_and_step(student, micro_batch=8)
    expected = loop.accumulate(step)
    whole = loop._loss

    def loss(batch: object) -> torch.Tensor:
        if len(batch.ids) > 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return whole(batch)

    monkeypatch.setattr(loop, "_loss", loss)
    assert loop.accumulate(step) == pytest.approx(expected, rel=1e-5)
    assert loop.micro_batch == 2


def test_learning_rate_rises_and_falls_to_zero() -> None:
    rates = [learning_rate(settings(steps=100, warmup_share=0.1, learning_rate=1.0), step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10]) and rates[10] == max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True) and 0 < rates[-1] < 0.02


def test_steps_have_their_tokens_and_use_every_example() -> None:
    examples = [Tokens([number] * (5 + number), 2) for number in range(10)]
    steps = draw_steps(examples, 40, seed=5)
    first = [next(steps) for _ in range(6)]
    assert all(40 <= sum(len(row.ids) for row in step) < 40 + 15 for step in first)
    assert {row.ids[0] for step in first for row in step} == set(range(10))
    again = draw_steps(examples, 40, seed=5)
    assert first == [next(again) for _ in range(6)]


def test_labels_are_the_answers_next_tokens() -> None:
    rows = [Tokens([1, 2, 3, 4], 2), Tokens([5, 6], 1)]
    (batch,) = micro_batches(rows, 8, 0, "cpu")
    flat = batch.ids.flatten()
    assert batch.labels.tolist() == [6, 3, 4]
    assert flat[batch.where + 1].tolist() == [6, 3, 4]
