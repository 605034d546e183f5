"""Draft a strategy for every pattern; or, for the control, invent strategies without looking at any failure."""

from collections.abc import Callable, Sequence

from pada_local import prompts
from pada_local.context import Context, Outcome
from pada_local.methods.predictions import train_errors
from pada_local.methods.quota import largest_remainder
from pada_local.methods.seeds import call_seed
from pada_local.records import Analysis, Pattern, Row, Strategy, content_id
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import Invented, StrategyText

VERSION = 3
USES = ("loop", "generate", "teacher")
PROMPTS = ("draft", "invent", "repair")


def run(context: Context) -> Outcome:
    """Write one strategy per pattern with its share of the budget; unreadable or leaking ones get none."""
    if context.recipe.loop.augment == "analyses":
        return _one_per_failure(context)
    if context.recipe.loop.augment == "random":
        asks, patterns = _invent(context), []
    else:
        patterns = context.rows.get(Pattern, run_id=context.run_id, round=context.round)
        asks = [_draft(context, pattern) for pattern in patterns]
    answers = context.teacher.ask_all(asks, then=lambda position, answer: context.ahead(()))
    states = [_state(context, answer) for answer in answers]
    usable = [index for index, state in enumerate(states) if state == "ok"]
    budget = _budget(context)
    sizes = [patterns[index].failures if patterns else 1 for index in usable]
    quotas = dict(zip(usable, largest_remainder(budget, sizes, at_least=1) if usable else [], strict=True))
    ids = [pattern.id for pattern in patterns] or [""] * len(asks)
    rows = [
        _row(context, number, ids[number], answer, states[number], quotas.get(number, 0)) for number, answer in enumerate(answers)
    ]
    return Outcome({"strategies": len(rows), "usable": len(usable), "wanted": sum(quotas.values())}, put=rows)


def ahead(context: Context) -> Callable[[Sequence[Row]], list[Ask]]:
    """The question about each pattern, as soon as it has its name."""

    def take(rows: Sequence[Row]) -> list[Ask]:
        return [_draft(context, row) for row in rows if isinstance(row, Pattern)]

    return take


def _one_per_failure(context: Context) -> Outcome:
    """Ablation: what the teacher said of each failure is the strategy, without groups, names or drafts."""
    analyses = context.rows.get(Analysis, run_id=context.run_id, round=context.round, state="ok")
    quotas = largest_remainder(_budget(context), [1] * len(analyses), at_least=0)
    rows = [
        Strategy(
            id=content_id("strategy", context.run_id, context.round, number, analysis.id), run_id=context.run_id,
            round=context.round, pattern_id="", drafted=f"{analysis.scenario}: {analysis.root_cause}", quota=quota,
            call_key=analysis.call_key,
        )
        for number, (analysis, quota) in enumerate(zip(analyses, quotas, strict=True))
    ]  # fmt: skip
    return Outcome({"strategies": len(rows), "usable": len(rows), "wanted": sum(quotas)}, put=rows)


def _budget(context: Context) -> int:
    """Samples to write from strategies: the budget without what few or many training errors can take of it."""
    generate = context.recipe.generate
    near_errors = generate.per_train_error * len(train_errors(context)) if generate.share_train_error else 0
    return generate.budget - min(near_errors, round(generate.budget * generate.share_train_error))


def _draft(context: Context, pattern: Pattern) -> Ask:
    prompt = prompts.render("draft", card=context.settings["task"], pattern=f"{pattern.name}. {pattern.text}")
    return Ask(purpose="draft", prompt=prompt, schema=StrategyText, max_tokens=context.recipe.teacher.analysis_tokens)


def _invent(context: Context) -> Sequence[Ask]:
    """The same question with other seeds at temperature 1: strategies drawn from what the teacher thinks the task can bring."""
    prompt = prompts.render("invent", card=context.settings["task"])
    limits = {"schema": Invented, "max_tokens": context.recipe.teacher.analysis_tokens, "temperature": 1.0}
    numbers = range(context.recipe.generate.random_strategies)
    seeds = [call_seed(context.seed, context.round, "invent", number) for number in numbers]
    return [Ask(purpose="invent", prompt=prompt, seed=seed, **limits) for seed in seeds]


def _state(context: Context, answer: Answer) -> str:
    if answer.value is None:
        return "unparsable"
    return "leaked" if context.scratch["guard"].refuses_within(answer.value.strategy) else "ok"


def _row(context: Context, number: int, pattern_id: str, answer: Answer, state: str, quota: int) -> Strategy:
    row_id = content_id("strategy", context.run_id, context.round, number, pattern_id)
    text = answer.value.strategy if answer.value is not None else ""
    return Strategy(
        id=row_id, run_id=context.run_id, round=context.round, pattern_id=pattern_id, drafted=text, quota=quota,
        call_key=answer.call_key, state=state,
    )  # fmt: skip
