"""Who can be asked in the playground: the base student, every trained round of every run, the teacher."""

from pathlib import Path
from typing import Any

import msgspec

from pada_local.records import Adapter, Round, Run, Setting


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be asked. `who`: base, teacher or round:N of `run`; `best`: the run's champion, or the best so far."""

    who: str
    name: str
    run: str = ""
    recipe: str = ""
    seed: int = 0
    validation: float | None = None
    best: bool = False


def voices(project: Any) -> list[Voice]:
    """The base, every trained round in the order of the runs, and the teacher."""
    settings = {row.key: row.value for row in project.get(Setting)}
    trained = {row.id for row in project.get(Adapter)}
    rounds = [voice for run in project.get(Run) for voice in _rounds(project, run, trained)]
    base = Voice(who="base", name=f"base {_short(settings.get('student', ''))}")
    return [base, *rounds, Voice(who="teacher", name=f"teacher {_short(settings.get('teacher', ''))}")]


def _rounds(project: Any, run: Run, trained: set[str]) -> list[Voice]:
    rows = [row for row in project.get(Round, run_id=run.id) if row.adapter_id in trained]
    rows.sort(key=lambda row: row.number)
    known = [row for row in rows if row.validation_mean is not None]
    best = max(known, key=lambda row: (row.validation_mean, -row.number), default=rows[-1] if rows else None)
    champion = run.champion_round or (best.number if best else 0)
    return [
        Voice(who=f"round:{row.number}", name=f"{run.recipe} round {row.number}", run=run.id, recipe=run.recipe, seed=run.seed,
              validation=row.validation_mean, best=row.number == champion)
        for row in rows
    ]  # fmt: skip


def _short(model: str) -> str:
    """A model's name, the last part of its path, or what its server calls it."""
    return model.partition("#")[2] if "://" in model else Path(model).name
