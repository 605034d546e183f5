"""Decide about every pending candidate: schema, the metric's format check, duplicates, leaks, the judge, re-deriving.

Cheap checks come first, and only what passes them is shown to the judge. Every check leaves a verdict.
"""

from collections.abc import Callable, Sequence

import msgspec

from pada_local.context import Context, Outcome
from pada_local.data.duplicates import DuplicateIndex
from pada_local.events import StageProgress
from pada_local.methods.auggpt import lost_literals
from pada_local.methods.judging import Item, rederived, score_ask, scored, solve_asks
from pada_local.methods.llm2llm import too_similar
from pada_local.metrics.registry import format_error
from pada_local.records import Candidate, JudgeAudit, Row, Strategy, Verdict, content_id
from pada_local.teacher.protocol import Answer, Ask

VERSION = 5
USES = ("gate", "teacher")
PROMPTS = ("judge", "solve", "repair")


def run(context: Context) -> Outcome:
    """Give every pending candidate of the wave its final state."""
    pending = context.rows.get(Candidate, run_id=context.run_id, round=context.round, wave=context.wave, state="pending")
    checks = _Checks(context)
    verdicts = {candidate.id: checks.verdicts(candidate) for candidate in pending}
    survivors = [candidate for candidate in pending if checks.passed(verdicts[candidate.id])]
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


def ahead(context: Context) -> Callable[[Sequence[Row]], list[Ask]]:
    """The judge's questions about candidates, as they are written: of those alone that pass the cheap checks, as in `run`."""
    checks, questions = _Checks(context), _Questions(context)

    def take(rows: Sequence[Row]) -> list[Ask]:
        found: list[Ask] = []
        for row in rows:
            if isinstance(row, Candidate) and row.state == "pending" and checks.passed(checks.verdicts(row)):
                scores, solutions = questions.about(questions.item(row))
                found += [*scores, *solutions]
        return found

    return take


class _Checks:
    """Checks that need no model, for candidates in their order: an item is compared with those before it."""

    def __init__(self, context: Context) -> None:
        self._context, self._index, self._earlier = context, _known_inputs(context), _earlier_inputs(context)
        self._parents = {example.id: example.input for example in context.training_examples()}

    def verdicts(self, candidate: Candidate) -> list[Verdict]:
        """One row for each check; what passes them all is remembered."""
        guard, metric = self._context.scratch["guard"], self._context.settings["metric"]
        schema = "" if candidate.input and candidate.output else "The input or the output is empty."
        wrong_form = "" if schema else format_error(metric, candidate.output)
        twin = None if schema else self._index.find(candidate.input)
        checks = {
            "schema": schema, "format": wrong_form, "leak": guard.refuses(candidate.input) or guard.gives_away(candidate.output),
            "duplicate": "It is too much like an item that is there already." if twin else "",
        }  # fmt: skip
        if candidate.origin == "rephrase" and not schema:
            checks["literals"] = lost_literals(self._parents.get(candidate.seed_examples[0], ""), candidate.input)
        if self._context.recipe.gate.rouge_max and not schema:
            checks["rouge"] = too_similar(candidate.input, self._earlier, self._context.recipe.gate.rouge_max)
        rows = [_verdict(candidate, name, not reason, reason) for name, reason in checks.items()]
        if self.passed(rows):
            self._index.add(candidate.id, candidate.input)
            self._earlier.append(candidate.input)
        return rows

    @staticmethod
    def passed(rows: list[Verdict]) -> bool:
        return all(row.passed for row in rows)


def _earlier_inputs(context: Context) -> list[str]:
    """What a new input may not repeat where the recipe measures ROUGE-L: training examples and accepted samples."""
    if not context.recipe.gate.rouge_max:
        return []
    accepted = context.rows.get(Candidate, run_id=context.run_id, state="accepted")
    return [row.input for row in (*context.training_examples(), *accepted)]


def _known_inputs(context: Context) -> DuplicateIndex:
    index = DuplicateIndex(context.recipe.gate.near_duplicate)
    for example in context.training_examples():
        index.add(example.id, example.input)
    for row in context.rows.get(Candidate, run_id=context.run_id, state="accepted"):
        index.add(row.id, row.input)
    return index


class _Questions:
    """What the judge is asked about a candidate: its scores, and own answers to its input."""

    def __init__(self, context: Context) -> None:
        self._context = context
        rows = context.rows.get(Strategy, run_id=context.run_id, round=context.round)
        self._strategies = {row.id: row.edited or row.drafted for row in rows}
        guard = context.scratch["guard"]
        self._anchors = [example for example in context.training_examples() if not guard.refuses(example.input)]

    def item(self, candidate: Candidate) -> Item:
        text = self._strategies.get(candidate.strategy_id, "Write an item that needs the same skill as the example.")
        return Item(candidate.id, candidate.input, candidate.output, text)

    def about(self, item: Item) -> tuple[list[Ask], list[Ask]]:
        """The question for scores and those for own answers; none where the recipe wants none."""
        gate = self._context.recipe.gate
        scores = [score_ask(self._context, item)] if gate.judge else []
        return scores, solve_asks(self._context, item, self._anchors) if gate.rederive else []


def _ask_judge(context: Context, survivors: list[Candidate], verdicts: dict[str, list[Verdict]]) -> None:
    """Scores and own answers for all survivors in one batch, so that the judge's slots stay full."""
    gate, questions = context.recipe.gate, _Questions(context)
    asks: list[Ask] = []
    plans: list[tuple[Candidate, Item, int, int]] = []
    for candidate in survivors:
        item = questions.item(candidate)
        scores, solutions = questions.about(item)
        plans.append((candidate, item, len(asks) if scores else -1, len(asks) + len(scores)))
        asks += [*scores, *solutions]

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
