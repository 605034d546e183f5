"""What a run says while it goes on: frozen structs, one stream, folded by every viewer with `apply`.

Command line, terminal app and replay read the same events; none of them asks the loop anything.
"""

from typing import Union

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all events. `run_id` is empty for what belongs to the project."""

    run_id: str = ""


class RunStarted(Event):
    recipe: str
    seed: int
    rounds: int
    resumed: bool = False


class RoundStarted(Event):
    round: int


class StageStarted(Event):
    round: int
    stage: str
    wave: int = 0
    total: int = 0


class StageProgress(Event):
    """`done` of `total` items; `note` is for people."""

    round: int
    stage: str
    done: int
    total: int
    note: str = ""


class StageSkipped(Event):
    """The stage was done before, in this run or in one that shares its key."""

    round: int
    stage: str
    wave: int = 0


class StageDone(Event):
    round: int
    stage: str
    wave: int = 0
    counts: dict[str, int] = {}
    elapsed_s: float = 0.0


class TrainStep(Event):
    round: int
    step: int
    steps: int
    loss: float
    learning_rate: float
    tokens_per_s: float = 0.0
    held_out_loss: float | None = None


class Resources(Event):
    """Memory that a run uses and what the machine has left, in MiB; 0 where a process or a card is not there."""

    host_mib: int
    worker_mib: int = 0
    teacher_mib: int = 0
    gpu_mib: int = 0
    free_mib: int = 0
    teacher_tokens_per_s: float = 0.0


class ModelLoading(Event):
    role: str
    model: str


class ModelReady(Event):
    role: str
    model: str
    elapsed_s: float = 0.0


class NeedsReview(Event):
    """`what` waits for a person: strategies or samples."""

    round: int
    waiting: int
    what: str = "samples"


class RoundScored(Event):
    """Validation metric of a round with its interval."""

    round: int
    metric: str
    mean: float
    low: float
    high: float
    n: int


class RunDone(Event):
    champion_round: int
    test_mean: float | None
    reason: str = ""


class RunHeld(Event):
    """The run is trained and waits, untested, for the other runs of its study."""

    message: str


class RunFailed(Event):
    """`resumable` tells whether running again goes on from here."""

    title: str
    detail: str = ""
    fix: str = ""
    resumable: bool = True


class Note(Event):
    text: str


AnyEvent = Union[
    RunStarted, RoundStarted, StageStarted, StageProgress, StageSkipped, StageDone, TrainStep, Resources,
    ModelLoading, ModelReady, NeedsReview, RoundScored, RunDone, RunHeld, RunFailed, Note,
]  # fmt: skip

_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One line of JSON with the event's type in `type`."""
    return _ENCODER.encode(event)


def decode(line: bytes | str) -> Event:
    """The event of a line. Raises msgspec.ValidationError on an unknown type or a wrong field."""
    return _DECODER.decode(line)


class StageView(msgspec.Struct, frozen=True):
    """A stage as a viewer shows it."""

    round: int
    name: str
    wave: int = 0
    state: str = "running"
    done: int = 0
    total: int = 0
    counts: dict[str, int] = {}
    elapsed_s: float = 0.0


class RunView(msgspec.Struct, frozen=True):
    """Everything that a viewer shows of a run, folded from its events; losses (round, step, loss) of the last training only."""

    run_id: str = ""
    recipe: str = ""
    seed: int = 0
    rounds: int = 0
    round: int = 0
    state: str = "idle"
    stages: tuple[StageView, ...] = ()
    losses: tuple[tuple[int, int, float], ...] = ()
    held_out: tuple[tuple[int, int, float], ...] = ()
    scores: tuple[RoundScored, ...] = ()
    message: str = ""
    champion_round: int = 0
    test_mean: float | None = None


def apply(view: RunView, event: Event) -> RunView:
    """The view after the event: a pure function, so that a viewer that comes late sees what an early one sees."""
    change = msgspec.structs.replace
    match event:
        case RunStarted():
            fresh = view if event.resumed and view.run_id == event.run_id else RunView()
            return change(fresh, run_id=event.run_id, recipe=event.recipe, seed=event.seed, rounds=event.rounds, state="running")
        case RoundStarted():
            return change(view, round=event.round)
        case StageStarted():
            return _with_stage(view, StageView(event.round, event.stage, event.wave, total=event.total))
        case StageProgress():
            last = next((s for s in reversed(view.stages) if (s.round, s.name) == (event.round, event.stage)), None)
            stage = last or StageView(event.round, event.stage)
            return _with_stage(view, change(stage, done=event.done, total=event.total))
        case StageSkipped():
            return _with_stage(view, StageView(event.round, event.stage, event.wave, state="kept"))
        case StageDone():
            stage = StageView(event.round, event.stage, event.wave, "done", counts=event.counts, elapsed_s=event.elapsed_s)
            return _with_stage(view, stage)
        case TrainStep():
            return _with_step(view, event)
        case RoundScored():
            kept_scores = tuple(score for score in view.scores if score.round != event.round)
            return change(view, scores=(*kept_scores, event))
        case NeedsReview():
            return change(view, state="waiting for review", message=f"{event.waiting} {event.what} wait for a decision")
        case RunDone():
            outcome = {"champion_round": event.champion_round, "test_mean": event.test_mean, "message": event.reason}
            return change(view, state="done", **outcome)
        case RunHeld():
            return change(view, state="held", message=event.message)
        case RunFailed():
            return change(view, state="paused" if event.resumable else "failed", message=event.title)
        case ModelLoading():
            return change(view, message=f"loading {event.role} {event.model}")
        case ModelReady():
            return change(view, message=f"{event.role} ready")
        case Note():
            return change(view, message=event.text)
    return view


def _with_step(view: RunView, event: TrainStep) -> RunView:
    """The step's losses, in the place of an earlier try's, and how far the training has come."""
    here = (event.round, event.step)

    def added(rows: tuple[tuple[int, int, float], ...], loss: float) -> tuple[tuple[int, int, float], ...]:
        # Steps come in order, thousands of them: only a training that began anew has something to drop.
        if not rows or rows[-1][0] != event.round:
            return ((*here, loss),)
        kept = rows if rows[-1] < here else tuple(row for row in rows if row[:2] < here)
        return (*kept, (*here, loss))

    held_out = view.held_out if event.held_out_loss is None else added(view.held_out, event.held_out_loss)
    view = msgspec.structs.replace(view, losses=added(view.losses, event.loss), held_out=held_out)
    at = next((at for at in range(len(view.stages) - 1, -1, -1) if view.stages[at].name == "train"), None)
    if at is None or view.stages[at].round != event.round:
        return view
    stage = msgspec.structs.replace(view.stages[at], done=event.step, total=event.steps)
    return msgspec.structs.replace(view, stages=(*view.stages[:at], stage, *view.stages[at + 1 :]))


def _with_stage(view: RunView, stage: StageView) -> RunView:
    """The stage in the place of what was said of it before; what goes on stands last, so it is looked for from the end."""
    stages, same = view.stages, (stage.round, stage.name, stage.wave)
    for at in range(len(stages) - 1, -1, -1):
        old = stages[at]
        if (old.round, old.name, old.wave) == same:
            return msgspec.structs.replace(view, stages=(*stages[:at], stage, *stages[at + 1 :]))
    return msgspec.structs.replace(view, stages=(*stages, stage))
