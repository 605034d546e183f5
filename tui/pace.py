"""How long it will still take: an estimate from the pace of the stage that goes on and from the rounds before."""

import msgspec

from pada_local.events import RunView, StageView

ENOUGH_S = 3.0
"""A pace that was watched for less says nothing."""
LAST_ROUND = ("train", "evaluate")
"""Stages of a run's last round, which writes no samples."""


class Pace(msgspec.Struct, frozen=True):
    """The stage that goes on, when it was first seen and how far it was then; times in seconds of a steady clock."""

    stage: tuple[int, str, int] = (0, "", 0)
    since: float = 0.0
    done: int = 0


def follow(pace: Pace, view: RunView, now: float) -> Pace:
    """The pace after a look at the run."""
    stage = going_on(view)
    if stage is None:
        return Pace()
    place = (stage.round, stage.name, stage.wave)
    return pace if pace.stage == place and stage.done >= pace.done else Pace(place, now, stage.done)


def going_on(view: RunView) -> StageView | None:
    """The stage that is running, if one is."""
    last = view.stages[-1] if view.stages and view.state == "running" else None
    return last if last is not None and last.state == "running" else None


def stage_left(pace: Pace, view: RunView, now: float) -> float | None:
    """Seconds that the stage will still take at the pace that was seen; None where that cannot be told yet."""
    stage = going_on(view)
    watched = now - pace.since
    if stage is None or stage.total <= stage.done or stage.done <= pace.done or watched < ENOUGH_S:
        return None
    return (stage.total - stage.done) * watched / (stage.done - pace.done)


def run_left(view: RunView, left_of_stage: float | None) -> float | None:
    """Seconds that the run will still take if its rounds are like the last whole one; None before there is one."""
    stage = going_on(view)
    before: dict[str, float] = {}
    for one in view.stages:
        if one.round == view.round - 1 and one.state == "done":
            before[one.name] = before.get(one.name, 0.0) + one.elapsed_s
    if stage is None or stage.name not in before or left_of_stage is None:
        return None
    names = list(before)
    after = names[names.index(stage.name) + 1 :]
    last = sum(seconds for name, seconds in before.items() if name in LAST_ROUND)
    if view.round >= view.rounds:
        return left_of_stage + sum(before[name] for name in after if name in LAST_ROUND)
    whole_rounds = view.rounds - view.round - 1
    return left_of_stage + sum(before[name] for name in after) + whole_rounds * sum(before.values()) + last


def in_words(seconds: float | None) -> str:
    """`about 3 min`, or nothing where nothing is known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
