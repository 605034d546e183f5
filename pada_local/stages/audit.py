"""Try the judge before it is trusted: training references against corrupted ones; below the floor its word does not count."""

from pada_local.context import Context, Outcome
from pada_local.methods.gate import best_threshold, corrupt
from pada_local.methods.judging import Item, rederived, score_ask, scored, solve_asks
from pada_local.methods.seeds import rng
from pada_local.metrics.statistics import auc
from pada_local.records import Example, JudgeAudit, content_id
from pada_local.teacher.protocol import Answer

VERSION = 1
USES = ("gate", "teacher")
PROMPTS = ("judge", "solve", "repair")


def run(context: Context) -> Outcome:
    """Write one audit row for the scores and one for re-deriving, each with its AUC and whether it is used."""
    gate, guard = context.recipe.gate, context.scratch["guard"]
    if not (gate.audit and (gate.judge or gate.rederive)):
        return Outcome({"items": 0})
    train = [example for example in context.training_examples() if not guard.refuses(example.input)]
    drawn = rng("audit", context.seed).sample(train, min(gate.audit_items, len(train)))
    wrong = dict(corrupt([(example.id, example.input, example.output) for example in drawn], context.seed))
    good = [Item(example.id, example.input, example.output) for example in drawn]
    bad = [Item(f"{example.id}-wrong", example.input, wrong[example.id]) for example in drawn if example.id in wrong]
    rows = [_audit_scores(context, good, bad)] if gate.judge else []
    rows += [_audit_rederiving(context, good, bad, train)] if gate.rederive else []
    return Outcome({"items": len(good) + len(bad)}, put=rows)


def _audit_scores(context: Context, good: list[Item], bad: list[Item]) -> JudgeAudit:
    """The mean of the four scores is what tells right from wrong; an unreadable answer counts as the lowest score."""
    answers = context.judge.ask_all([score_ask(context, item) for item in (*good, *bad)])
    values = [value if (value := scored(context, answer)[1]) is not None else 0.0 for answer in answers]
    return _row(context, "scores", values[: len(good)], values[len(good) :], answers)


def _audit_rederiving(context: Context, good: list[Item], bad: list[Item], train: list[Example]) -> JudgeAudit:
    """An item's value is 1 when the judge's own answer equals the shown output. The item itself is never an anchor."""
    asks, spans = [], {}
    for item in good:
        own = solve_asks(context, item, [example for example in train if example.id != item.id])
        spans[item.input] = (len(asks), len(asks) + len(own))
        asks += own
    answers = context.judge.ask_all(asks)

    def value(item: Item) -> float:
        first, last = spans[item.input]
        return float(rederived(context, item, answers[first:last])[0])

    return _row(context, "rederive", [value(item) for item in good], [value(item) for item in bad], answers)


def _row(context: Context, kind: str, good: list[float], bad: list[float], answers: list[Answer]) -> JudgeAudit:
    area = auc(good, bad)
    return JudgeAudit(
        id=content_id("audit", context.run_id, kind), run_id=context.run_id, judge=context.judge.name, kind=kind, auc=area,
        threshold=best_threshold(good, bad), n=len(good) + len(bad), used=area >= context.recipe.gate.audit_floor,
        calls=[answer.call_key for answer in answers],
    )  # fmt: skip
