"""Try the judge before it is trusted: training references against corrupted ones; below the floor its word does not count."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pada_local.context import Context, Outcome
from pada_local.methods.gate import best_threshold, corrupt
from pada_local.methods.judging import Item, rederived, score_ask, scored, solve_asks
from pada_local.methods.seeds import rng
from pada_local.metrics.statistics import auc
from pada_local.records import JudgeAudit, Row, content_id
from pada_local.teacher.protocol import Answer, Ask

VERSION = 1
USES = ("gate", "teacher")
PROMPTS = ("judge", "solve", "repair")


class _Plan(NamedTuple):
    """What is asked: `scores` of every item, and own answers, of which `spans` tells each item's place by its input."""

    good: list[Item]
    bad: list[Item]
    scores: list[Ask]
    solutions: list[Ask]
    spans: dict[str, tuple[int, int]]


def run(context: Context) -> Outcome:
    """Write one audit row for the scores and one for re-deriving, each with its AUC and whether it is used."""
    gate, plan = context.recipe.gate, _plan(context)
    if plan is None:
        return Outcome({"items": 0})
    answers = context.judge.ask_all([*plan.scores, *plan.solutions])
    scores, solutions = answers[: len(plan.scores)], answers[len(plan.scores) :]
    rows = [_audit_scores(context, plan, scores)] if gate.judge else []
    rows += [_audit_rederiving(context, plan, solutions)] if gate.rederive else []
    return Outcome({"items": len(plan.good) + len(plan.bad)}, put=rows)


def ahead(context: Context) -> Callable[[Sequence[Row]], list[Ask]]:
    """All questions at once: they follow from training examples alone."""
    plan = _plan(context)
    left = [*plan.scores, *plan.solutions] if plan else []

    def take(rows: Sequence[Row]) -> list[Ask]:
        found = list(left)
        left.clear()
        return found

    return take


def _plan(context: Context) -> _Plan | None:
    """The items with their questions; None when nothing is to be audited. An item is never an anchor of its own."""
    gate, guard = context.recipe.gate, context.scratch["guard"]
    if not (gate.audit and (gate.judge or gate.rederive)):
        return None
    train = [example for example in context.training_examples() if not guard.refuses(example.input)]
    drawn = rng("audit", context.seed).sample(train, min(gate.audit_items, len(train)))
    wrong = dict(corrupt([(example.id, example.input, example.output) for example in drawn], context.seed))
    good = [Item(example.id, example.input, example.output) for example in drawn]
    bad = [Item(f"{example.id}-wrong", example.input, wrong[example.id]) for example in drawn if example.id in wrong]
    scores = [score_ask(context, item) for item in (*good, *bad)] if gate.judge else []
    solutions: list[Ask] = []
    spans = {}
    for item in good if gate.rederive else ():
        own = solve_asks(context, item, [example for example in train if example.id != item.id])
        spans[item.input] = (len(solutions), len(solutions) + len(own))
        solutions += own
    return _Plan(good, bad, scores, solutions, spans)


def _audit_scores(context: Context, plan: _Plan, answers: list[Answer]) -> JudgeAudit:
    """The mean of the four scores is what tells right from wrong; an unreadable answer counts as the lowest score."""
    values = [value if (value := scored(context, answer)[1]) is not None else 0.0 for answer in answers]
    return _row(context, "scores", values[: len(plan.good)], values[len(plan.good) :], answers)


def _audit_rederiving(context: Context, plan: _Plan, answers: list[Answer]) -> JudgeAudit:
    """An item's value is 1 when the judge's own answer equals the shown output."""

    def value(item: Item) -> float:
        first, last = plan.spans[item.input]
        return float(rederived(context, item, answers[first:last])[0])

    return _row(context, "rederive", [value(item) for item in plan.good], [value(item) for item in plan.bad], answers)


def _row(context: Context, kind: str, good: list[float], bad: list[float], answers: list[Answer]) -> JudgeAudit:
    area = auc(good, bad)
    return JudgeAudit(
        id=content_id("audit", context.run_id, kind), run_id=context.run_id, judge=context.judge.name, kind=kind, auc=area,
        threshold=best_threshold(good, bad), n=len(good) + len(bad), used=area >= context.recipe.gate.audit_floor,
        calls=[answer.call_key for answer in answers],
    )  # fmt: skip
