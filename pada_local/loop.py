"""The order of stages, written once; resuming, stop rules, the champion and the single look at the test set.

A stage is skipped when its key is stored as done: the key covers the recipe fields that it uses, its version, its prompts
and the key of the stage before it. Inside a stage, teacher answers, predictions and adapters are found by content.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import msgspec

from pada_local import prompts, review
from pada_local.context import Context, Rows
from pada_local.crew import assemble
from pada_local.data.guards import guard_of
from pada_local.data.subset import dropped_rounds
from pada_local.errors import Interrupted, UsageError
from pada_local.events import (
    Event,
    NeedsReview,
    RoundStarted,
    RunDone,
    RunHeld,
    RunStarted,
    StageDone,
    StageSkipped,
    StageStarted,
)
from pada_local.methods.predictions import answer_examples, scores_of, train_errors, validation_failures
from pada_local.recipe import Recipe, content
from pada_local.records import Candidate, Example, RecipeRow, Round, Row, Run, Stage, TestLook, content_id
from pada_local.stages import analyse, audit, draft, evaluate, gate, generate, group, select, train
from pada_local.stages.generate import wanted
from pada_local.teacher.protocol import Ask
from pada_local.watch import Watch

PREPARE = (train, evaluate)
BEFORE_WRITING = {
    "patterns": (analyse, group, draft, audit), "analyses": (analyse, draft, audit), "random": (draft, audit),
    "failures": (audit,), "errors": (audit,), "rephrase": (audit,),
}  # fmt: skip
"""The stages from a scored student to the first question for samples, by `loop.augment`."""
WRITE = (generate, gate)
JUDGED = (audit, gate)
"""Stages that ask the judge."""
FINISH = (select,)
AHEAD = {group: (draft, audit), draft: (audit,), generate: (gate,)}
"""Stages whose questions can be asked while the one before them still waits for answers: what they ask follows from single rows
of it, or from none. They find the answers then; what they decide, and what they ask, stays the same."""
HELD = "The run is trained; its test waits until all runs of its study are."


def run_id_of(recipe: Recipe, seed: int, settings: dict[str, str]) -> str:
    """The same recipe, seed and models in one project are the same run: starting it again goes on with it."""
    models = [settings[name] for name in ("student_hash", "teacher", "judge", "metric")]
    return content_id("run", recipe.id, seed, models)


def start_run(
    project: Rows, recipe: Recipe, seed: int, settings: dict[str, str], private: Path,
    emit: Callable[[Event], None], cancelled: Callable[[], bool], part: str = "",
) -> str:  # fmt: skip
    """Run the loop to its end, or go on with it; returns the run's final state.

    `part` is how a study does it: "train" up to the test set and no further, "test" the look at it, when all its runs have
    come so far; "" is everything at once. Raises UsageError for a run that waits for its study.

    Raises Interrupted when asked to pause, TeacherError and WorkerLost when a model cannot be kept alive; all of
    them leave a file from which starting again goes on.
    """
    crew = assemble(project, recipe, settings, private, emit, cancelled)
    try:
        context = Context(
            run_id=run_id_of(recipe, seed, crew.settings), seed=seed, recipe=recipe, rows=project, student=crew.student,
            teacher=crew.teacher, judge=crew.judge, settings=crew.settings, handover=str(private), emit=emit, cancelled=cancelled,
        )  # fmt: skip
        with Watch(context.run_id, crew.student, crew.teachers, emit):
            return _run(context, part)
    finally:
        crew.close()


def _run(context: Context, part: str) -> str:
    run = _open_run(context, part)
    if run.state == "done":
        done = "This run was done before."
        context.emit(RunDone(run_id=run.id, champion_round=run.champion_round, test_mean=None, reason=done))
        return run.state
    rows, gate_settings = context.rows, context.recipe.gate
    context.scratch["guard"] = guard_of(rows, gate_settings.leak_jaccard, context.training_examples())
    reason = _rounds(context)
    if part == "train":
        context.rows.replace(msgspec.structs.replace(context.rows.one(Run, id=run.id), state="held", reason=HELD))
        context.emit(RunHeld(run_id=run.id, message=HELD))
        return "held"
    _close_run(context, reason)
    return "done"


def _open_run(context: Context, part: str) -> Run:
    rows, recipe = context.rows, context.recipe
    old = rows.one(Run, id=context.run_id)
    if old is not None and old.state == "held" and not part:
        raise UsageError("The run belongs to a study.", HELD, "Go on with the same 'pada study'.")
    if not rows.count(Example, split="train") or not rows.count(Example, split="validation"):
        detail = "The project has no training or no validation examples."
        raise UsageError("There is nothing to train on.", detail, "See 'pada new'.")
    settings = context.settings
    run = old or Run(
        id=context.run_id, recipe_id=recipe.id, recipe=recipe.name, seed=context.seed, rounds=recipe.loop.rounds, state="running",
        created_at=_now(), judge_independent=settings["judge"] != settings["teacher"],
    )  # fmt: skip
    if run.state != "done":
        run = msgspec.structs.replace(run, state="running", reason="")
        rows.put(RecipeRow(id=recipe.id, name=recipe.name, body=msgspec.json.encode(recipe, order="sorted").decode()))
        rows.replace(run)
        context.emit(RunStarted(run_id=run.id, recipe=recipe.name, seed=run.seed, rounds=run.rounds, resumed=old is not None))
    return run


def _rounds(context: Context) -> str:
    """Go round until a stop rule holds; returns its sentence."""
    loop, key = context.recipe.loop, ""
    for number in range(1, loop.rounds + 1):
        context.round, context.wave = number, 0
        context.emit(RoundStarted(run_id=context.run_id, round=number))
        known = context.rows.get(Round, run_id=context.run_id) if loop.rollback else []
        context.scratch["dropped"] = dropped_rounds(known, number)
        for stage in PREPARE:
            key = _stage(context, stage, key)
        reason = _reason_to_stop(context)
        if not reason:
            key, reason = _augment(context, key)
        _mark_round(context)
        if reason:
            return reason
    return "All rounds are done."


def _augment(context: Context, key: str) -> tuple[str, str]:
    """From failures (or from nothing, for the control) to selected samples; a sentence when there is no way on."""
    for stage in BEFORE_WRITING[context.recipe.loop.augment]:
        key = _stage(context, stage, key)
    _wait_for_person(context, review.STRATEGIES)
    for wave in range(1, context.recipe.generate.max_waves + 1):
        context.wave = wave
        if _enough(context) and not _started(context, wave):
            break
        for stage in WRITE:
            key = _stage(context, stage, key)
    context.wave = 0
    _wait_for_person(context, review.SAMPLES)
    for stage in FINISH:
        key = _stage(context, stage, key)
    fresh = context.rows.count(Candidate, run_id=context.run_id, round=context.round, selected=True)
    return key, "" if fresh else f"No new sample of round {context.round} passed the gate."


def _wait_for_person(context: Context, what: str) -> None:
    """With `review` in the recipe, a run ends here until the round is confirmed. Raises Interrupted."""
    if not getattr(context.recipe.review, what) or review.is_confirmed(context.rows, context.run_id, what, context.round):
        return
    count = len(review.waiting(context.rows, context.run_id, what, context.round))
    context.emit(NeedsReview(run_id=context.run_id, round=context.round, what=what, waiting=count))
    detail = f"{count} {what} of round {context.round} wait for a decision."
    fix = "Look at them with 'pada review FILE'; 'pada review FILE confirm' lets the run go on."
    raise Interrupted("The run waits for your review.", detail, fix)


def _enough(context: Context) -> bool:
    """Whether the round's samples are written: the quotas are filled, or a person said so."""
    place = (context.rows, context.run_id)
    said = review.is_enough(*place, context.round) or review.is_confirmed(*place, review.SAMPLES, context.round)
    return said or not wanted(context)


def _started(context: Context, wave: int) -> bool:
    return context.rows.count(Stage, run_id=context.run_id, round=context.round, wave=wave) > 0


def _reason_to_stop(context: Context) -> str:
    loop = context.recipe.loop
    if loop.augment == "none":
        return "The recipe trains once and adds nothing."
    if context.round >= loop.rounds:
        return "All rounds are done."
    rounds = context.rows.get(Round, run_id=context.run_id)
    best = _champion(rounds)
    if loop.patience and best and context.round - best.number >= loop.patience:
        return f"No better validation score in {loop.patience} rounds."
    if loop.augment == "errors" and not train_errors(context):
        return "Every training example is answered rightly: there is none to write near."
    failures = len(validation_failures(context))
    if loop.augment in ("patterns", "analyses", "failures") and failures < loop.min_failures:
        return f"Only {failures} validation examples fail; fewer than {loop.min_failures} make no pattern."
    return ""


def _champion(rounds: list[Round]) -> Round | None:
    """The round with the best validation mean; a later one only when strictly higher."""
    known = [row for row in rounds if row.validation_mean is not None]
    return max(known, key=lambda row: (row.validation_mean, -row.number), default=None)


def _mark_round(context: Context) -> None:
    row = context.rows.one(Round, run_id=context.run_id, number=context.round)
    if row is not None:
        context.rows.replace(msgspec.structs.replace(row, state="done"))


def _close_run(context: Context, reason: str) -> None:
    """Score the champion on the test set, once, and mark the run as done."""
    champion = _champion(context.rows.get(Round, run_id=context.run_id))
    examples, mean = context.rows.get(Example, split="test"), None
    if champion is not None and examples:
        context.round = champion.number
        context.emit(StageStarted(run_id=context.run_id, round=champion.number, stage="test", total=len(examples)))
        started = time.monotonic()
        context.rows.put(TestLook(run_id=context.run_id, adapter_id=champion.adapter_id, at=_now()))
        answer_examples(context, champion.adapter_id, examples, "test")
        values = [value for value in scores_of(context, champion.adapter_id, examples).values() if value is not None]
        mean = sum(values) / len(values) if values else None
        counts, elapsed = {"examples": len(examples)}, time.monotonic() - started
        context.emit(StageDone(run_id=context.run_id, round=champion.number, stage="test", counts=counts, elapsed_s=elapsed))
    run = context.rows.one(Run, id=context.run_id)
    number = champion.number if champion else 0
    with context.rows.together():
        context.rows.replace(msgspec.structs.replace(run, state="done", reason=reason, champion_round=number))
        context.rows.seal(context.run_id, "", "done")
    context.emit(RunDone(run_id=context.run_id, champion_round=number, test_mean=mean, reason=reason))


def _stage(context: Context, stage: ModuleType, upstream: str) -> str:
    """Run one stage unless its key is stored as done; returns the key."""
    context.check_cancelled()
    name = stage.__name__.rsplit(".", 1)[-1]
    key = stage_key(context, stage, upstream)
    where = {"run_id": context.run_id, "round": context.round, "stage": name, "wave": context.wave}
    old = context.rows.one(Stage, key=key, run_id=context.run_id)
    if old is not None and old.state == "done":
        context.emit(StageSkipped(**where))
        return key
    row = Stage(key=key, run_id=context.run_id, round=context.round, name=name, wave=context.wave, state="running")
    context.rows.replace(row)
    context.emit(StageStarted(**where))
    started = time.monotonic()
    context.ahead = _ahead(context, stage)
    outcome = stage.run(context)
    elapsed = time.monotonic() - started
    with context.rows.together():
        context.rows.put(*outcome.put)
        done = msgspec.structs.replace(row, state="done", counts=outcome.counts, elapsed_s=elapsed)
        context.rows.replace(*outcome.replace, done)
        context.rows.seal(context.run_id, key, name)
    context.emit(StageDone(**where, counts=outcome.counts, elapsed_s=elapsed))
    return key


def _ahead(context: Context, stage: ModuleType) -> Callable[[Sequence[Row]], list[Ask]]:
    """What `Context.ahead` is for a stage. Nothing when reproducible, and nothing for a judge of its own: it is another model."""
    later = () if context.recipe.loop.reproducible else AHEAD.get(stage, ())
    if context.judge is not context.teacher:
        later = tuple(one for one in later if one not in JUDGED)
    takers: list[Callable[[Sequence[Row]], list[Ask]]] = []

    def ask(rows: Sequence[Row]) -> list[Ask]:
        if later and not takers:  # not before something is asked: a stage that finds all its answers needs none of this
            takers.extend(one.ahead(context) for one in later)
        return [question for taker in takers for question in taker(rows)]

    return ask


def stage_key(context: Context, stage: ModuleType, upstream: str) -> str:
    """The stage's fingerprint: named recipe fields, version, prompt hashes, place, upstream key."""
    fields = {name: content(getattr(context.recipe, name)) for name in stage.USES}
    hashes = {name: prompts.fingerprint(name) for name in stage.PROMPTS}
    place = [context.run_id, context.round, context.wave, stage.__name__]
    return content_id("stage", stage.VERSION, fields, hashes, place, upstream)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
