"""A host whose loop is a fake: it writes rows and events, can be paused, and keeps one real child process.

`python -m tests.host.fake_host FILE` serves a project; `… --cli WORDS` is the `pada` command that starts such hosts.
The number of steps is the recipe's `train.steps`; PADA_FAKE_STEP_SECONDS is how long one takes. PADA_FAKE_FREE_MIB is the
memory that the machine says is free.
"""

import os
import subprocess
import sys
import time
import types

from pada_local import events
from pada_local.errors import Interrupted, MissingError
from pada_local.records import RecipeRow, Run, TrainingStep, content_id
from pada_local.runtime import process


def start_run(project, recipe, seed, settings, private, emit, cancelled, part=""):
    """Steps of a run that is found again by recipe and seed. A recipe called `missing`, `broken` or `deaf` goes wrong."""
    import msgspec

    run_id = content_id("run", recipe.id, seed)
    old = project.one(Run, id=run_id)
    if recipe.name == "missing":
        raise MissingError("There is no teacher.", "It is not where it was.", "Bring it back.")
    if old is not None and old.state == "done":
        emit(events.RunDone(run_id=run_id, champion_round=1, test_mean=0.5, reason="done before"))
        return "done"
    body = msgspec.json.encode(recipe).decode()
    project.put(RecipeRow(id=recipe.id, name=recipe.name, body=body))
    run = Run(id=run_id, recipe_id=recipe.id, recipe=recipe.name, seed=seed, rounds=recipe.loop.rounds, state="running",
              created_at="2026-01-01T00:00:00")  # fmt: skip
    project.replace(run)
    emit(events.RunStarted(run_id=run_id, recipe=recipe.name, seed=seed, rounds=recipe.loop.rounds, resumed=old is not None))
    environment = {"PATH": os.environ["PATH"]}
    child = process.spawn(["/bin/sleep", "1000"], environment, private / "child.log", stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL)  # fmt: skip
    (project.path.parent / "child.pid").write_text(f"{child.pid} {private}")
    try:
        _steps(project, recipe, run_id, emit, cancelled)
    finally:
        process.end(child)
    project.replace(msgspec.structs.replace(run, state="done", champion_round=1))
    emit(events.RunDone(run_id=run_id, champion_round=1, test_mean=0.5))
    return "done"


def _steps(project, recipe, run_id, emit, cancelled):
    emit(events.RoundStarted(run_id=run_id, round=1))
    emit(events.StageStarted(run_id=run_id, round=1, stage="train", total=recipe.train.steps))
    for step in range(project.count(TrainingStep, adapter_id=run_id) + 1, recipe.train.steps + 1):
        if cancelled() and recipe.name != "deaf":
            raise Interrupted("The run was paused.", "Everything done so far is kept.")
        if recipe.name == "broken" and step == 3:
            raise ZeroDivisionError("the fake breaks here")
        time.sleep(float(os.environ.get("PADA_FAKE_STEP_SECONDS", "0.01")))
        project.put(TrainingStep(adapter_id=run_id, step=step, loss=1 / step, grad_norm=1, learning_rate=1, tokens=1))
        emit(events.TrainStep(run_id=run_id, round=1, step=step, steps=recipe.train.steps, loss=1 / step, learning_rate=1.0))
    emit(events.StageDone(run_id=run_id, round=1, stage="train", counts={"steps": recipe.train.steps}, elapsed_s=0.1))


def main(words: list[str]) -> int:
    """Put the fake in the loop's place, then go on as the real program does."""
    sys.modules["pada_local.loop"] = types.ModuleType("pada_local.loop")
    sys.modules["pada_local.loop"].start_run = start_run
    import pada_local

    pada_local.loop = sys.modules["pada_local.loop"]
    if free := os.environ.get("PADA_FAKE_FREE_MIB"):
        from pada_local.runtime import memory

        memory.available_mib = lambda: int(free)
    if words[:1] == ["--cli"]:
        from pada_local import cli
        from pada_local.host import starting

        starting.HOST_MODULE = "tests.host.fake_host"
        return cli.main(words[1:])
    from pada_local.host.__main__ import main as serve

    return serve(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
