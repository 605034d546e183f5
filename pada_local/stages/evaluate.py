"""Greedy answers of the round's student to validation and training examples, scored by the project's metric."""

from collections.abc import Sequence

import msgspec

from pada_local.context import Context, Outcome
from pada_local.errors import StudentError
from pada_local.events import RoundScored
from pada_local.methods.predictions import answer_examples, scores_of
from pada_local.metrics.compare import bootstrap_interval
from pada_local.records import Example, Round

VERSION = 1
USES = ("evaluate",)
PROMPTS: tuple[str, ...] = ()


def run(context: Context) -> Outcome:
    """Answer and score both splits; write the round's validation mean."""
    this_round = context.rows.one(Round, run_id=context.run_id, number=context.round)
    if this_round is None or not this_round.adapter_id:
        raise StudentError("There is no adapter to evaluate.", f"Round {context.round} has not been trained.", "Run again.")
    counts: dict[str, int] = {}
    scored = this_round
    for split in ("validation", "train"):
        examples = context.training_examples() if split == "train" else context.rows.get(Example, split=split)
        answer_examples(context, this_round.adapter_id, examples, "evaluate")
        values = scores_of(context, this_round.adapter_id, examples)
        known = [value for value in values.values() if value is not None]
        counts |= {split: len(examples), f"{split}_failed": sum(value < context.recipe.loop.failure_below for value in known)}
        if len(known) < len(examples):
            counts[f"{split}_unscored"] = len(examples) - len(known)
        if split == "validation" and known:
            scored = _score_round(context, this_round, known)
    return Outcome(counts, replace=[scored])


def _score_round(context: Context, this_round: Round, values: Sequence[float]) -> Round:
    interval = bootstrap_interval(values)
    context.emit(RoundScored(
        run_id=context.run_id, round=context.round, metric=context.settings["metric"],
        mean=interval.mean, low=interval.low, high=interval.high, n=interval.n,
    ))  # fmt: skip
    return msgspec.structs.replace(this_round, validation_mean=interval.mean)
