"""Decide about every pending candidate: schema, the metric's format check, duplicates, leaks, the judge, re-deriving.

Cheap checks come first, and only what passes them is shown to the judge. Every check leaves a verdict.
"""

from collections.abc import Sequence

import msgspec

from pada_local.context import Context, Outcome
from pada_local.data.duplicates import DuplicateIndex
from pada_local.events import StageProgress
from pada_local.methods.auggpt import lost_literals
from pada_local.methods.judging import Item, rederived, score_ask, scored, solve_asks
from pada_local.methods.llm2llm import too_similar
from pada_local.metrics.registry import format_error
from pada_local.records import Candidate, JudgeAudit, Strategy, Verdict, content_id
from pada_local.teacher.protocol import Answer, Ask

VERSION = 5
USES = ("gate", "teacher")
PROMPTS = ("judge", "solve", "repair")


def run(context: Context) -> Outcome:
    """Give every pending candidate of the wave its final state."""
    pending = context.rows.get(Candidate, run_id=context.run_id, round=context.round, wave=context.wave, state="pending")
    verdicts, survivors = _cheap_checks(context, pending)
    _ask_judge(context, survivors, verdicts)
    rows, counts = [], {"accepted": 0, "rejected": 0, "duplicate": 0, "leaked": 0}
    for candidate in pending:
        state, reason = _decide(verdicts[candidate.id])
        counts[state] += 1
        rows.append(msgspec.structs.replace(candidate, state=state, reason=reason))
    return Outcome(counts, put=[verdict for candidate in pending for verdict in verdicts[candidate.id]], replace=rows)


def _decide(verdicts: list[Verdict]) -> tuple[str, str]:
    """The first failed check decides; the check's name decides the state."""
    failed = next((verdict for verdict in verdicts if not verdict.passed), None)
    if failed is None:
        return "accepted", ""
    return {"duplicate": "duplicate", "rouge": "duplicate", "leak": "leaked"}.get(failed.criterion, "rejected"), failed.reason


def _cheap_checks(context: Context, pending: list[Candidate]) -> tuple[dict[str, list[Verdict]], list[Candidate]]:
    """Checks that need no model, in the order of the candidates: an item is compared with those before it."""
    index = _known_inputs(context, pending)
    guard, metric = context.scratch["guard"], context.settings["metric"]
    parents = {example.id: example.input for example in context.training_examples()}
    rouge_max, earlier = context.recipe.gate.rouge_max, _earlier_inputs(context)
    verdicts: dict[str, list[Verdict]] = {}
    survivors = []
    for candidate in pending:
        schema = "" if candidate.input and candidate.output else "The input or the output is empty."
        wrong_form = "" if schema else format_error(metric, candidate.output)
        twin = None if schema else index.find(candidate.input)
        checks = {
            "schema": schema, "format": wrong_form, "leak": guard.refuses(candidate.input) or guard.gives_away(candidate.output),
            "duplicate": "It is too much like an item that is there already." if twin else "",
        }  # fmt: skip
        if candidate.origin == "rephrase" and not schema:
            checks["literals"] = lost_literals(parents.get(candidate.seed_examples[0], ""), candidate.input)
        if rouge_max and not schema:
            checks["rouge"] = too_similar(candidate.input, earlier, rouge_max)
        rows = [_verdict(candidate, name, not reason, reason) for name, reason in checks.items()]
        verdicts[candidate.id] = rows
        if all(row.passed for row in rows):
            survivors.append(candidate)
            index.add(candidate.id, candidate.input)
            earlier.append(candidate.input)
    return verdicts, survivors


def _earlier_inputs(context: Context) -> list[str]:
    """What a new input may not repeat where the recipe measures ROUGE-L: training examples and accepted samples."""
    if not context.recipe.gate.rouge_max:
        return []
    accepted = context.rows.get(Candidate, run_id=context.run_id, state="accepted")
    return [row.input for row in (*context.training_examples(), *accepted)]


def _known_inputs(context: Context, pending: list[Candidate]) -> DuplicateIndex:
    index = DuplicateIndex(context.recipe.gate.near_duplicate)
    for example in context.training_examples():
        index.add(example.id, example.input)
    for row in context.rows.get(Candidate, run_id=context.run_id, state="accepted"):
        index.add(row.id, row.input)
    return index


def _ask_judge(context: Context, survivors: list[Candidate], verdicts: dict[str, list[Verdict]]) -> None:
    """Scores and own answers for all survivors in one batch, so that the judge's slots stay full."""
    gate = context.recipe.gate
    strategies = {row.id: row for row in context.rows.get(Strategy, run_id=context.run_id, round=context.round)}
    anchors = [e for e in context.training_examples() if not context.scratch["guard"].refuses(e.input)]
    asks: list[Ask] = []
    plans: list[tuple[Candidate, Item, int, int]] = []
    for candidate in survivors:
        strategy = strategies.get(candidate.strategy_id)
        text = (strategy.edited or strategy.drafted) if strategy else "Write an item that needs the same skill as the example."
        item = Item(candidate.id, candidate.input, candidate.output, text)
        scores_at = len(asks) if gate.judge else -1
        asks += [score_ask(context, item)] if gate.judge else []
        plans.append((candidate, item, scores_at, len(asks)))
        asks += solve_asks(context, item, anchors) if gate.rederive else []

    def progress(done: int) -> None:
        context.emit(StageProgress(run_id=context.run_id, round=context.round, stage="gate", done=done, total=len(asks)))

    answers = context.judge.ask_all(asks, progress)
    scores_count, own_answers_count = _what_counts(context)
    for candidate, item, scores_at, solve_at in plans:
        if scores_at >= 0:
            row = _scores_verdict(context, candidate, answers[scores_at], scores_count)
            verdicts[candidate.id].append(row)
        if gate.rederive:
            own = answers[solve_at : solve_at + gate.votes]
            passed, reason = rederived(context, item, own)
            verdicts[candidate.id].append(_verdict(
                candidate, "rederive", passed or not own_answers_count, reason, judge=context.judge.name, value=float(passed),
                calls=[answer.call_key for answer in own],
            ))  # fmt: skip


def _what_counts(context: Context) -> tuple[bool, bool]:
    """Whether the scores decide, and whether re-deriving does.

    A check that failed its audit is shown and decides nothing, unless nothing else would vouch for a sample: then the
    judge's own answer must still equal the output.
    """
    trusted = {row.kind: row.used for row in context.rows.get(JudgeAudit, run_id=context.run_id)}
    scores_count = context.recipe.gate.judge and trusted.get("scores", True)
    return scores_count, trusted.get("rederive", True) or not scores_count


def _scores_verdict(context: Context, candidate: Candidate, answer: Answer, used: bool) -> Verdict:
    """The judge's scores: shown always, deciding only when the audit found them worth it."""
    passed, mean, reason = scored(context, answer)
    if not used and not context.recipe.gate.rederive:
        passed, used, reason = False, True, "The judge failed its audit, and nothing else vouches for this sample."
    return _verdict(candidate, "judge", passed or not used, reason, judge=context.judge.name, value=mean, calls=[answer.call_key])


def _verdict(
    candidate: Candidate, criterion: str, passed: bool, reason: str,
    judge: str = "", value: float | None = None, calls: Sequence[str] = (),
) -> Verdict:  # fmt: skip
    row_id = content_id("verdict", candidate.id, criterion)
    return Verdict(
        id=row_id, candidate_id=candidate.id, criterion=criterion, judge=judge, passed=passed, value=value, reason=reason,
        calls=list(calls),
    )  # fmt: skip
