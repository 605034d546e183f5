"""Predictions of a student, keyed by adapter, example and decoding settings, so that none is ever computed twice."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from pada_local.context import Context
from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.events import StageProgress
from pada_local.methods.grading import grade
from pada_local.metrics import judged
from pada_local.metrics.registry import score
from pada_local.records import Example, Prediction, Round, ScoreRow, content_id
from pada_local.student.protocol import Generate

VERSION = 2


def decoding(context: Context) -> dict[str, object]:
    """The settings under which two answers may be compared."""
    evaluate = msgspec.to_builtins(context.recipe.evaluate)
    facts = {name: context.settings[name] for name in ("student_hash", "chat", "system")}
    return {**evaluate, **facts, "version": VERSION}


def prediction_id(context: Context, adapter_id: str, example_id: str) -> str:
    return content_id("prediction", adapter_id, example_id, decoding(context))


def scores_of(context: Context, adapter_id: str, examples: Sequence[Example]) -> dict[str, float | None]:
    """Example id to score; None where the answer could not be scored."""
    ids = {prediction_id(context, adapter_id, example.id): example.id for example in examples}
    rows = context.rows.get(ScoreRow, prediction_id=list(ids), metric=context.settings["metric"])
    return {ids[row.prediction_id]: row.value for row in rows}


def answer_examples(context: Context, adapter_id: str, examples: Sequence[Example], stage: str) -> None:
    """Predict and score every example that has no prediction yet, committing each batch as it comes."""
    ids = {example.id: prediction_id(context, adapter_id, example.id) for example in examples}
    _predict(context, adapter_id, examples, ids, stage)
    if context.settings["metric"] == judged.NAME:
        grade(context, {ids[example.id]: example for example in examples})


def _predict(context: Context, adapter_id: str, examples: Sequence[Example], ids: dict[str, str], stage: str) -> None:
    have = {row.id for row in context.rows.get(Prediction, id=list(ids.values()))}
    missing = [example for example in examples if ids[example.id] not in have]
    if not missing:
        return
    folder = _materialise(context, adapter_id)
    settings, evaluate = context.settings, context.recipe.evaluate
    prompts = [prompt_and_answer(settings["chat"], settings["system"], example.input, "")[0] for example in missing]
    job = Generate(
        base=settings["student"], adapter=str(folder) if folder else "", prompts=prompts, stop=end_token(settings["chat"]),
        max_new_tokens=evaluate.max_new_tokens, tokens_per_batch=evaluate.tokens_per_batch, dtype=evaluate.dtype,
        threads=int(settings.get("threads", "0")), backend=evaluate.backend,
    )  # fmt: skip
    done = len(examples) - len(missing)
    for positions, texts, tokens in context.student.generate(job):
        context.check_cancelled()
        batch = [(missing[position], text, count) for position, text, count in zip(positions, texts, tokens, strict=True)]
        context.rows.put(*(row for item in batch for row in _rows(context, adapter_id, ids[item[0].id], *item)))
        done += len(positions)
        context.emit(StageProgress(
            run_id=context.run_id, round=context.round, stage=stage, done=done, total=len(examples), note=examples[0].split,
        ))  # fmt: skip


def _rows(
    context: Context, adapter_id: str, row_id: str, example: Example, text: str, tokens: int
) -> tuple[Prediction, ScoreRow]:
    metric = context.settings["metric"]
    result = score(metric, text, example.output)
    facts = {**decoding(context), **context.student.generate_facts()}
    prediction = Prediction(id=row_id, adapter_id=adapter_id, example_id=example.id, text=text, tokens=tokens, decoding=facts)
    return prediction, ScoreRow(prediction_id=row_id, metric=metric, value=result.value, why=result.why)


def _materialise(context: Context, adapter_id: str) -> Path | None:
    """The adapter's files in the hand-over folder (the base student has none)."""
    if not adapter_id:
        return None
    folder = Path(context.handover) / f"eval-{adapter_id}"
    if not folder.exists():
        folder.mkdir(parents=True)
        for name, content in context.rows.adapter_files(adapter_id).items():
            (folder / name).write_bytes(content)
    return folder


def train_errors(context: Context) -> list[Example]:
    """Training examples that the round's student gets wrong, in file order."""
    this_round = context.rows.one(Round, run_id=context.run_id, number=context.round)
    examples = context.training_examples()
    values = scores_of(context, this_round.adapter_id, examples) if this_round else {}
    limit = context.recipe.loop.failure_below
    return [example for example in examples if (value := values.get(example.id)) is not None and value < limit]


def validation_failures(context: Context) -> list[Example]:
    """Validation examples that the round's student gets wrong, in file order; unscored ones are no failures."""
    this_round = context.rows.one(Round, run_id=context.run_id, number=context.round)
    examples = context.rows.get(Example, split="validation")
    values = scores_of(context, this_round.adapter_id, examples) if this_round else {}
    limit = context.recipe.loop.failure_below
    return [example for example in examples if (value := values.get(example.id)) is not None and value < limit]
