"""The student's two costs beside the plain ways to do the same, in one run: `make bench-student`.

    python benchmarks/student.py [--examples 2000] [--one-by-one 2000] [--steps 120] [--repeats 3]

Training: this project's loop beside `transformers.Trainer` with dynamic padding, on the same LoRA, examples per step, rate,
threads and float32. Evaluation: this project's decoder beside `generate` one prompt at a time and beside `generate` on
padded batches of 16 in the order of the data. Ratios are medians over the repeats; answers must be the same texts.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime import offline
from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings
from pada_local.worker import models
from pada_local.worker.answer import answer
from pada_local.worker.examples import tokenize
from pada_local.worker.lora import add_adapter, train

BASE = str(Path(__file__).resolve().parents[1] / "models" / "demo-student")
FAMILY, PER_STEP, NEW_TOKENS, PADDED = "chatml", 16, 48, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=2000, help="prompts to answer")
    parser.add_argument("--one-by-one", type=int, default=2000, help="how many of them one at a time (the slowest way)")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    items = world.draw_split(1, "test", options.examples + 640)
    pairs = [prompt_and_answer(FAMILY, "", item.note, item.line) for item in items]
    with tempfile.TemporaryDirectory() as folder:
        adapter = str(Path(folder) / "adapter")
        compare_training(pairs[options.examples :], adapter, options)
        compare_evaluation([prompt for prompt, _ in pairs[: options.examples]], adapter, options)


def compare_training(pairs: list[tuple[str, str]], adapter: str, options: argparse.Namespace) -> None:
    """Examples per second and the loss on held-out examples after the same number of steps."""
    examples = [TrainExample(id=str(number), prompt=prompt, answer=text) for number, (prompt, text) in enumerate(pairs)]
    learned, held_out = examples[:512], examples[512:]
    tokenizer = models.load_tokenizer(BASE)
    rows = tokenize(tokenizer, examples, 512)
    mean_length = sum(len(row.ids) for row in rows[:512]) / 512
    settings = TrainSettings(
        lora_rank=16, lora_alpha=32, lora_dropout=0.0, learning_rate=3e-3, warmup_share=0.05, weight_decay=0.0, max_grad_norm=1.0,
        steps=options.steps, tokens_per_step=round(mean_length * (PER_STEP - 0.5)), micro_batch=PER_STEP, max_length=512, seed=1,
        dtype="float32",
    )  # fmt: skip
    ours, theirs, losses = [], [], []
    for number in range(options.repeats):
        drawn: list[int] = []
        seconds, _ = timed(lambda to=drawn: _train_here(learned, adapter, settings, to))
        ours.append(sum(drawn) / mean_length / seconds)
        rate, model = _train_with_trainer(rows[:512], settings, tokenizer)
        theirs.append(rate)
        if number == 0:
            losses = [_held_out_loss(_with(adapter), held_out, tokenizer), _held_out_loss(model, held_out, tokenizer)]
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    rates = f"{statistics.median(ours):.1f} examples/s here, {statistics.median(theirs):.1f} with Trainer"
    print(f"training: {rates}, ratio {ratio:.2f}")
    print(f"held-out loss per token: {losses[0]:.3f} here, {losses[1]:.3f} with Trainer")


def _train_here(examples: list[TrainExample], adapter: str, settings: TrainSettings, tokens: list[int]) -> None:
    train(Train(base=BASE, to=adapter, examples=examples, settings=settings), _shelf(), lambda step: tokens.append(_tokens(step)))


def _tokens(message: object) -> int:
    return int(getattr(message, "tokens", 0))


def _train_with_trainer(rows: list, settings: TrainSettings, tokenizer) -> tuple[float, object]:
    """Examples per second of the plain Trainer, and the model that it made."""
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    model = add_adapter(models.load_base(BASE, torch.float32), settings, torch.float32)
    for module in model.modules():
        module.__dict__.pop("forward", None)  # PEFT's own forward: the plain way
    data = [{"input_ids": row.ids, "labels": [-100] * row.loss_from + row.ids[row.loss_from :]} for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=settings.steps, per_device_train_batch_size=PER_STEP, seed=1, use_cpu=True,
            learning_rate=settings.learning_rate, lr_scheduler_type="linear", weight_decay=0.0, max_grad_norm=1.0,
            warmup_steps=round(settings.warmup_share * settings.steps), report_to="none", save_strategy="no",
            logging_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        collate = DataCollatorForSeq2Seq(tokenizer, padding=True)
        trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collate)
        seconds, _ = timed(trainer.train)
    return settings.steps * PER_STEP / seconds, model.eval()


def _with(adapter: str) -> object:
    from peft import PeftModel

    return PeftModel.from_pretrained(models.load_base(BASE, torch.float32), adapter).eval()


@torch.inference_mode()
def _held_out_loss(model, examples: list[TrainExample], tokenizer) -> float:
    total, count = 0.0, 0
    for row in tokenize(tokenizer, examples, 512):
        logits = model(input_ids=torch.tensor([row.ids])).logits[0, row.loss_from - 1 : -1]
        total += float(torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[row.loss_from :]), reduction="sum"))
        count += row.labels
    return total / count


def compare_evaluation(prompts: list[str], adapter: str, options: argparse.Namespace) -> None:
    """Examples per second of three ways, and on how many prompts the texts are equal."""
    tokenizer = models.load_tokenizer(BASE)
    merged = _with(adapter).merge_and_unload()
    few = prompts[: options.one_by_one]
    rates: dict[str, list[float]] = {"here": [], "padded": [], "one by one": []}
    texts: dict[str, list[str]] = {}
    for _ in range(options.repeats):
        seconds, texts["here"] = timed(lambda: _answer_here(prompts, adapter))
        rates["here"].append(len(prompts) / seconds)
        seconds, texts["padded"] = timed(lambda: _generate(merged, tokenizer, prompts, PADDED))
        rates["padded"].append(len(prompts) / seconds)
    seconds, texts["one by one"] = timed(lambda: _generate(merged, tokenizer, few, 1))
    rates["one by one"].append(len(few) / seconds)
    here = statistics.median(rates["here"])
    for name in ("one by one", "padded"):
        same = sum(a == b for a, b in zip(texts["here"], texts[name], strict=False))
        rate = statistics.median(rates[name])
        equal = f"{same} of {len(texts[name])} texts equal"
        print(f"evaluation: {here:.1f} examples/s here, {rate:.1f} {name}, ratio {here / rate:.2f}, {equal}")


def _answer_here(prompts: list[str], adapter: str) -> list[str]:
    found = [""] * len(prompts)

    def keep(message: object) -> None:
        for position, text in zip(getattr(message, "positions", ()), getattr(message, "texts", ()), strict=True):
            found[position] = text

    job = Generate(
        base=BASE, adapter=adapter, prompts=prompts, stop=end_token(FAMILY), max_new_tokens=NEW_TOKENS, tokens_per_batch=4096
    )
    answer(job, _shelf(), keep)
    return found


@torch.inference_mode()
def _generate(model, tokenizer, prompts: list[str], size: int) -> list[str]:
    """`generate` as most scripts call it."""
    tokenizer.padding_side = "left"
    stop = tokenizer.convert_tokens_to_ids(end_token(FAMILY))
    texts = []
    for start in range(0, len(prompts), size):
        batch = tokenizer(prompts[start : start + size], return_tensors="pt", padding=True, add_special_tokens=False)
        batch.pop("token_type_ids", None)
        out = model.generate(
            **batch, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=stop, pad_token_id=tokenizer.pad_token_id
        )
        width = batch["input_ids"].shape[1]
        for row in out[:, width:].tolist():
            ids = row[: row.index(stop)] if stop in row else row
            texts.append(tokenizer.decode(ids, skip_special_tokens=True))
    return texts


def _shelf() -> models.Shelf:
    return models.Shelf(lambda _message: None)


def timed(work: Callable):
    """Seconds of the work, and what it returned."""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


if __name__ == "__main__":
    os.environ.update(offline.SWITCHES)  # before the libraries that read them are imported
    main()
