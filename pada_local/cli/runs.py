"""run, status, pause, stop."""

import argparse
import signal
from pathlib import Path
from typing import Any

import msgspec

from pada_local import events
from pada_local.cli import talk
from pada_local.errors import ExitCode, UsageError
from pada_local.recipe import Recipe
from pada_local.runtime.safe import safe
from pada_local.session import Session, find_recipe, find_unfinished


def run(options: argparse.Namespace) -> int:
    """Start or go on, and follow until it ends; with --detach leave it to its host."""
    recipe = find_recipe(options.recipe) if options.recipe else None
    if options.rounds is not None and options.rounds < 1:
        raise UsageError("--rounds must be at least 1.")
    with Session.start_host(options.file) as session:
        recipe, seed = _choose(session, recipe, options.seed)
        if options.rounds is not None:
            recipe = msgspec.structs.replace(recipe, loop=msgspec.structs.replace(recipe.loop, rounds=options.rounds))
        since = session.start(recipe, seed)
        if options.detach:
            talk.say(f"Running in the background. Look: pada status {options.file}   Pause: pada pause {options.file}")
            if options.json:
                talk.facts({"recipe": recipe.name, "seed": seed, "since": since})
            return ExitCode.DONE
        outcome = follow(session, since, as_json=options.events == "json")
    if options.json and options.events != "json":
        talk.facts(outcome)
    return int(outcome.get("exit_code", ExitCode.DONE))


def follow(session: Session, since: int, as_json: bool = False, progress: talk.Progress | None = None) -> dict[str, Any]:
    """Tell what happens until the run ends; Ctrl-C and SIGTERM pause it. Returns its outcome."""
    progress = progress or talk.Progress()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for seq, event in session.events(since):
            if as_json:
                talk.fact_line({"seq": seq} | msgspec.to_builtins(event))
            else:
                progress.show(event)
        return session.outcome
    except KeyboardInterrupt:
        progress.end()
        return _pause_now(session.path)
    finally:
        progress.end()
        signal.signal(signal.SIGTERM, before)


def _pause_now(path: Path) -> dict[str, Any]:
    """The person wants out: the run is paused and can go on. A second Ctrl-C leaves at once."""
    talk.say("Pausing… (Ctrl-C again leaves it to the background)")
    other = Session.attach(path)
    if other is not None:
        with other:
            other.end_run("pause")
    talk.say(f"The run is paused; everything done is kept. Go on with 'pada run {path}'.")
    return {"state": "paused", "exit_code": int(ExitCode.STOPPED)}


def _choose(session: Session, recipe: Recipe | None, seed: int | None) -> tuple[Recipe, int]:
    """Recipe and seed: as asked for, else those of the run that is not done yet, else recipe pada with seed 1."""
    if recipe is not None:
        return recipe, 1 if seed is None else seed
    facts = session.status()
    if facts["active"]:
        fix = f"See 'pada status {session.path}', or end it with 'pada pause {session.path}'."
        raise UsageError("A run is going on in this project already.", "", fix)
    left = find_unfinished(facts["runs"])
    if left is None or (seed is not None and seed != left["seed"]):
        return find_recipe("pada"), 1 if seed is None else seed
    body = session.ask("recipe", id=left["recipe_id"])
    talk.say(f"Going on with run {left['id']} (recipe {left['recipe']}, seed {left['seed']}).")
    return msgspec.convert(body, Recipe), left["seed"]


def status(options: argparse.Namespace) -> int:
    """What is there and what is going on."""
    with Session.open(options.file) as session:
        found = session.status()
    if options.json:
        talk.facts({"file": str(options.file)} | found)
        return ExitCode.DONE
    counts = found["examples"]
    talk.data(f"{options.file}: {counts['train']} training, {counts['validation']} validation, {counts['test']} test examples")
    if found["active"]:
        talk.data(_doing(msgspec.convert(found["view"], events.RunView)))
    else:
        talk.data("Nothing is running.")
    rows = []
    for run in found["runs"]:
        best = max(run["validation"].values(), default=None)
        rows.append([run["id"][:10], run["recipe"], run["seed"], run["state"], f"{run['round']} of {run['rounds']}",
                     "-" if best is None else f"{best:.3f}", run["reason"]])  # fmt: skip
    if rows:
        talk.data(talk.table(rows, ["run", "recipe", "seed", "state", "round", "validation", "why"]))
    return ExitCode.DONE


def _doing(view: events.RunView) -> str:
    stage = view.stages[-1] if view.stages else None
    where = f", {stage.name} {f'{stage.done} of {stage.total}' if stage.total else ''}".rstrip() if stage else ""
    return safe(f"Running: {view.recipe}, seed {view.seed}, round {view.round} of {view.rounds}{where}")


def pause(options: argparse.Namespace) -> int:
    """Pause what runs."""
    return _end(options, "pause", f"Paused. Go on with 'pada run {options.file}'.")


def stop(options: argparse.Namespace) -> int:
    """Stop what runs, and its host."""
    return _end(options, "stop", f"Stopped. Everything done is kept; 'pada run {options.file}' would go on.")


def _end(options: argparse.Namespace, how: str, done: str) -> int:
    session = Session.attach(options.file)
    ended = False
    if session is not None:
        with session:
            ended = session.end_run(how)
    talk.say(done if ended else "Nothing is running in this project.")
    if options.json:
        talk.facts({"ended": ended})
    return ExitCode.DONE
