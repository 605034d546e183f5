"""The `judge` metric: grades for answers that equal no reference, asked of the judge and kept as scores."""

from collections.abc import Mapping

import msgspec

from pada_local import prompts
from pada_local.context import Context
from pada_local.metrics.judged import WAITS
from pada_local.records import Example, Prediction, ScoreRow
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import Grade

BEST = 10


def grade(context: Context, examples: Mapping[str, Example]) -> None:
    """Grade what waits, by prediction id. A grade that cannot be read leaves the answer unscored, with the reason.

    The judge sees validation and test texts here, as every metric does; nothing is written from what it says.
    """
    scores = context.rows.get(ScoreRow, prediction_id=list(examples), metric=context.settings["metric"])
    waiting = [row for row in scores if row.value is None and row.why == WAITS]
    if not waiting:
        return
    texts = {row.id: row.text for row in context.rows.get(Prediction, id=[row.prediction_id for row in waiting])}
    answers = context.judge.ask_all([_ask(context, examples[row.prediction_id], texts[row.prediction_id]) for row in waiting])
    context.rows.replace(*(_graded(row, answer) for row, answer in zip(waiting, answers, strict=True)))


def _graded(row: ScoreRow, answer: Answer) -> ScoreRow:
    if answer.value is None:
        why = f"not scored, because the judge's grade cannot be read: {answer.reason}"
        return msgspec.structs.replace(row, why=why, call_key=answer.call_key)
    return msgspec.structs.replace(row, value=answer.value.score / BEST, why=answer.value.reason, call_key=answer.call_key)


def _ask(context: Context, example: Example, text: str) -> Ask:
    prompt = prompts.render("grade", card=context.settings["task"], input=example.input, reference=example.output, answer=text)
    return Ask(purpose="grade", prompt=prompt, schema=Grade, max_tokens=context.recipe.teacher.analysis_tokens)
