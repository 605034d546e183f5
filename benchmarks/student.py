"""The student's two costs beside the plain ways to do the same, in one run: `make bench-student`.

    python benchmarks/student.py [--examples 2000] [--one-by-one 2000] [--system-notes 0] [--steps 120] [--repeats 3]

Training: this project's loop beside `transformers.Trainer` with dynamic padding, on the same LoRA, examples per step, rate,
threads and float32. Evaluation: this project's decoder beside `generate` one prompt at a time, beside `generate` on padded
batches of 16 in the order of the data, and beside itself without a shared beginning and with batches of 4,096 tokens; with
`--system-notes` every prompt begins with a system text of so many notes (about 24 tokens each). Ratios are medians over the
repeats, of time and of processor time, which other work on the machine disturbs less; answers must be the same texts.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime import offline
from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings
from pada_local.worker import cache, models
from pada_local.worker.answer import answer
from pada_local.worker.examples import tokenize
from pada_local.worker.lora import add_adapter, train

BASE = str(Path(__file__).resolve().parents[1] / "models" / "demo-student")
FAMILY, PER_STEP, NEW_TOKENS, PADDED = "chatml", 16, 48, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=2000, help="prompts to answer")
    parser.add_argument("--one-by-one", type=int, default=2000, help="how many of them one at a time (the slowest way)")
    parser.add_argument("--system-notes", type=int, default=0, help="length of the text that all prompts begin with")
    parser.add_argument("--only", choices=["training", "evaluation"])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    items = world.draw_split(1, "test", options.examples + 640)
    pairs = [prompt_and_answer(FAMILY, "", item.note, item.line) for item in items]
    system = " ".join(item.note for item in world.draw_split(2, "train", max(1, options.system_notes))[: options.system_notes])
    prompts = [prompt_and_answer(FAMILY, system, item.note, "")[0] for item in items[: options.examples]]
    with tempfile.TemporaryDirectory() as folder:
        adapter = str(Path(folder) / "adapter")
        if options.only == "evaluation":
            learned, _, settings = _task(pairs[options.examples :], options.steps)
            _train_here(learned, adapter, settings, [])
        else:
            compare_training(pairs[options.examples :], adapter, options)
        if options.only != "training":
            compare_evaluation(prompts, adapter, options)


def compare_training(pairs: list[tuple[str, str]], adapter: str, options: argparse.Namespace) -> None:
    """Examples per second and the loss on held-out examples after the same number of steps."""
    learned, held_out, settings = _task(pairs, options.steps)
    tokenizer = models.load_tokenizer(BASE)
    rows = tokenize(tokenizer, learned, 512)
    mean_length = sum(len(row.ids) for row in rows) / len(rows)
    here, there, losses = [], [], []
    _train_here(learned, adapter, msgspec.structs.replace(settings, steps=1), [])  # what is imported once is no part of a repeat
    for number in range(options.repeats):
        drawn: list[int] = []
        spent, _ = timed(lambda to=drawn: _train_here(learned, adapter, settings, to))
        here.append(spent.each(sum(drawn) / mean_length))
        spent, model = _train_with_trainer(rows, settings, tokenizer)
        there.append(spent.each(settings.steps * PER_STEP))
        if number == 0:
            losses = [_held_out_loss(_with(adapter), held_out, tokenizer), _held_out_loss(model, held_out, tokenizer)]
    tell("training", here, there, "Trainer", f"held-out loss per token {losses[0]:.3f} here, {losses[1]:.3f} there")


def _task(pairs: list[tuple[str, str]], steps: int) -> tuple[list[TrainExample], list[TrainExample], TrainSettings]:
    """Examples to learn from, examples held out, settings with about `PER_STEP` examples a step."""
    examples = [TrainExample(id=str(number), prompt=prompt, answer=text) for number, (prompt, text) in enumerate(pairs)]
    learned = examples[:512]
    rows = tokenize(models.load_tokenizer(BASE), learned, 512)
    wanted = round(sum(len(row.ids) for row in rows) / len(rows) * (PER_STEP - 0.5))
    settings = TrainSettings(
        lora_rank=16, lora_alpha=32, lora_dropout=0.0, learning_rate=3e-3, warmup_share=0.05, weight_decay=0.0, max_grad_norm=1.0,
        steps=steps, tokens_per_step=wanted, micro_batch=PER_STEP, max_length=512, seed=1, dtype="float32",
    )  # fmt: skip
    return learned, examples[512:], settings


def _train_here(examples: list[TrainExample], adapter: str, settings: TrainSettings, tokens: list[int]) -> None:
    train(Train(base=BASE, to=adapter, examples=examples, settings=settings), _shelf(), lambda step: tokens.append(_tokens(step)))


def _tokens(message: object) -> int:
    return int(getattr(message, "tokens", 0))


def _train_with_trainer(rows: list, settings: TrainSettings, tokenizer) -> tuple["Spent", object]:
    """What the plain Trainer spent, and the model that it made."""
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
        spent, _ = timed(trainer.train)
    return spent, model.eval()


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
    """Examples per second of each way, and on how many prompts the texts are equal."""
    tokenizer = models.load_tokenizer(BASE)
    merged = _with(adapter).merge_and_unload()
    few = prompts[: options.one_by_one]
    ways: dict[str, tuple[list[str], Callable[[], list[str]]]] = {
        "this project": (prompts, lambda: _answer_here(prompts, adapter)),
        "padded batches": (prompts, lambda: _generate(merged, tokenizer, prompts, PADDED)),
        "nothing shared": (prompts, lambda: _answer_here(prompts, adapter, share=False)),
        "4,096 tokens a batch": (prompts, lambda: _answer_here(prompts, adapter, tokens_per_batch=4096)),
        "one by one": (few, lambda: _generate(merged, tokenizer, few, 1)),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    texts: dict[str, list[str]] = {}
    for number in range(options.repeats):
        for name, (asked, way) in ways.items():
            if number == 0 or name != "one by one":
                took, texts[name] = timed(way)
                spent[name].append(took.each(len(asked)))
    for name, (asked, _) in ways.items():
        if name != "this project":
            same = sum(a == b for a, b in zip(texts["this project"], texts[name], strict=False))
            tell("evaluation", spent["this project"], spent[name], name, f"{same} of {len(asked)} texts equal")


def _answer_here(prompts: list[str], adapter: str, tokens_per_batch: int = 0, share: bool = True) -> list[str]:
    found = [""] * len(prompts)

    def keep(message: object) -> None:
        for position, text in zip(getattr(message, "positions", ()), getattr(message, "texts", ()), strict=True):
            found[position] = text

    job = Generate(
        base=BASE, adapter=adapter, prompts=prompts, stop=end_token(FAMILY), max_new_tokens=NEW_TOKENS,
        tokens_per_batch=tokens_per_batch,
    )  # fmt: skip
    usual, cache.SHORTEST_PREFIX = cache.SHORTEST_PREFIX, cache.SHORTEST_PREFIX if share else sys.maxsize
    try:
        answer(job, _shelf(), keep)
    finally:
        cache.SHORTEST_PREFIX = usual
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


class Spent(NamedTuple):
    """Seconds, and seconds of processor time."""

    wall: float
    processor: float

    def each(self, count: float) -> "Spent":
        """For one of `count`."""
        return Spent(self.wall / count, self.processor / count)


def timed(work: Callable[[], Any]) -> tuple[Spent, Any]:
    """What the work took, and what it returned."""
    started, used = time.monotonic(), time.process_time()
    result = work()
    return Spent(time.monotonic() - started, time.process_time() - used), result


def tell(what: str, here: list[Spent], there: list[Spent], name: str, more: str) -> None:
    """Medians; a way that was taken once is compared with each repeat of this project's."""
    pairs = list(zip(here, there if len(there) == len(here) else there * len(here), strict=True))
    wall, processor = (statistics.median(b[at] / a[at] for a, b in pairs) for at in (0, 1))
    rates = [1 / statistics.median(one.wall for one in side) for side in (here, there)]
    used = [1000 * statistics.median(one.processor for one in side) for side in (here, there)]
    print(
        f"{what}: {rates[0]:.1f} examples/s here, {rates[1]:.1f} {name}, ratio {wall:.2f}; processor time {used[0]:.2f} and "
        f"{used[1]:.2f} ms each, ratio {processor:.2f}; {more}", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    os.environ.update(offline.SWITCHES)  # before the libraries that read them are imported
    main()
