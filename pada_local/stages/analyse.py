"""Ask the teacher why each validation failure happened. The only stage that sees raw validation texts."""

from pada_local import prompts
from pada_local.context import Context, Outcome
from pada_local.data.leakage import LeakGuard
from pada_local.events import StageProgress
from pada_local.methods.predictions import prediction_id
from pada_local.records import Analysis, Example, Prediction, Round, ScoreRow, content_id
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import Analysis as AnalysisSchema

VERSION = 1
USES = ("loop", "teacher")
PROMPTS = ("analyse", "repair")


def run(context: Context) -> Outcome:
    """One analysis per failed validation example, kept with the reason when it could not be read or quotes the example."""
    failures = failed(context)
    asks = [_ask(context, example, prediction, why) for example, prediction, why in failures]

    def progress(done: int) -> None:
        context.emit(StageProgress(run_id=context.run_id, round=context.round, stage="analyse", done=done, total=len(asks)))

    answers = context.teacher.ask_all(asks, progress)
    guard = context.scratch["guard"]
    rows = [
        _row(context, guard, example, prediction, answer)
        for (example, prediction, _), answer in zip(failures, answers, strict=True)
    ]
    counts = {"failures": len(failures)}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    return Outcome(counts, put=rows)


def failed(context: Context) -> list[tuple[Example, Prediction, str]]:
    """Validation examples that scored below the recipe's limit, in file order; unscored ones are no failures."""
    this_round = context.rows.one(Round, run_id=context.run_id, number=context.round)
    examples = context.rows.get(Example, split="validation")
    adapter_id = this_round.adapter_id if this_round else ""
    ids = {example.id: prediction_id(context, adapter_id, example.id) for example in examples}
    predictions = {row.id: row for row in context.rows.get(Prediction, id=list(ids.values()))}
    metric = context.settings["metric"]
    scores = {row.prediction_id: row for row in context.rows.get(ScoreRow, prediction_id=list(predictions), metric=metric)}
    found = []
    for example in examples:
        row = scores.get(ids[example.id])
        if row is not None and row.value is not None and row.value < context.recipe.loop.failure_below:
            found.append((example, predictions[row.prediction_id], row.why))
    return found


def _ask(context: Context, example: Example, prediction: Prediction, why: str) -> Ask:
    prompt = prompts.render(
        "analyse", card=context.settings["task"], input=example.input, expected=example.output, predicted=prediction.text, why=why
    )
    return Ask(purpose="analyse", prompt=prompt, schema=AnalysisSchema, max_tokens=context.recipe.teacher.analysis_tokens)


def _row(context: Context, guard: LeakGuard, example: Example, prediction: Prediction, answer: Answer) -> Analysis:
    ids = {"run_id": context.run_id, "round": context.round, "example_id": example.id, "prediction_id": prediction.id}
    row_id = content_id("analysis", context.run_id, context.round, example.id, prediction.id)
    if answer.value is None:
        return Analysis(id=row_id, **ids, call_key=answer.call_key, state="unparsable", reason=answer.reason)
    value = answer.value
    leak = guard.refuses_within(f"{value.scenario}: {value.root_cause}")
    text = {"root_cause": value.root_cause, "scenario": value.scenario}
    return Analysis(id=row_id, **ids, call_key=answer.call_key, state="leaked" if leak else "ok", reason=leak, **text)
