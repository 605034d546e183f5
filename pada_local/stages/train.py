"""Fine-tune the student: a fresh LoRA adapter from the base on the training data and the samples selected so far."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pada_local.context import Context, Outcome
from pada_local.data.chat import prompt_and_answer
from pada_local.events import TrainStep
from pada_local.records import Adapter, Candidate, Example, Round, TrainingStep, content_id
from pada_local.student.protocol import Step, Train, TrainExample, TrainSettings

VERSION = 1
USES = ("train",)
PROMPTS: tuple[str, ...] = ()


def run(context: Context) -> Outcome:
    """Train the round's adapter, unless one with the same content key is there already."""
    examples = training_examples(context)
    adapter_id = adapter_key(context, examples)
    kept = context.rows.one(Adapter, id=adapter_id)
    if kept is None:
        kept = _train(context, adapter_id, examples)
    old = context.rows.one(Round, run_id=context.run_id, number=context.round)
    new = old or Round(run_id=context.run_id, number=context.round, state="running")
    change = {"adapter_id": adapter_id, "train_examples": len(examples), "train_seconds": kept.train_seconds}
    counts = {"examples": len(examples), "steps": kept.steps, "tokens": kept.train_tokens}
    return Outcome(counts, replace=[msgspec.structs.replace(new, **change)])


def training_examples(context: Context) -> list[Example | Candidate]:
    """The training split and what earlier rounds selected, in order."""
    selected = context.rows.get(Candidate, run_id=context.run_id, selected=True, state="accepted")
    earlier = [row for row in selected if row.round < context.round and row.round not in context.scratch.get("dropped", ())]
    return [*context.training_examples(), *earlier]


def adapter_key(context: Context, examples: Iterable[Example | Candidate]) -> str:
    """Everything that decides the adapter: base, settings, seed, chat family and the texts in order."""
    texts = [[example.input, example.output] for example in examples]
    facts = [context.settings[name] for name in ("student_hash", "chat", "system")]
    return content_id("adapter", VERSION, facts, context.seed, context.recipe.train, texts)


def _train(context: Context, adapter_id: str, examples: list[Example | Candidate]) -> Adapter:
    train, settings = context.recipe.train, context.settings
    folder = Path(context.handover) / adapter_id
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(e.id, *prompt_and_answer(settings["chat"], settings["system"], e.input, e.output)) for e in examples]
    fields = {name: getattr(train, name) for name in TrainSettings.__struct_fields__ if hasattr(train, name)}
    threads = int(settings.get("threads", "0"))
    job = Train(
        base=settings["student"], to=str(folder), examples=[TrainExample(*pair) for pair in pairs],
        settings=TrainSettings(**fields, seed=context.seed, threads=threads),
    )  # fmt: skip
    steps: list[TrainingStep] = []

    def on_step(step: Step) -> None:
        context.check_cancelled()
        steps.append(TrainingStep(
            adapter_id=adapter_id, step=step.step, loss=step.loss, grad_norm=step.grad_norm,
            learning_rate=step.learning_rate, tokens=step.tokens, held_out_loss=step.held_out_loss,
        ))  # fmt: skip
        speed = step.tokens / step.elapsed_s if step.elapsed_s else 0.0
        context.emit(TrainStep(
            run_id=context.run_id, round=context.round, step=step.step, steps=step.steps, loss=step.loss,
            learning_rate=step.learning_rate, tokens_per_s=speed,
            held_out_loss=step.held_out_loss,
        ))  # fmt: skip

    facts = context.student.train(job, on_step)
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    adapter = Adapter(
        id=adapter_id, base=settings["student"], sha256=hashes, bytes=sum(map(len, files.values())),
        settings={**msgspec.to_builtins(train), "seed": context.seed, **facts},
        train_tokens=int(facts.get("tokens", 0)), train_seconds=float(facts.get("seconds", 0.0)), steps=len(steps),
    )  # fmt: skip
    context.rows.put_adapter(adapter, files, *steps)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return adapter
