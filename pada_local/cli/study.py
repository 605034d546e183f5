"""study: several recipes, seeds and sizes on one or more projects, then one table. The same command goes on with it."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pada_local import events
from pada_local.cli import talk
from pada_local.cli.runs import follow
from pada_local.errors import ExitCode, UsageError
from pada_local.recipe import Recipe
from pada_local.session import Session, find_recipe
from pada_local.study import Cell, Plan, cells, make_plan

RECIPES = ("vanilla", "random-strategies", "auggpt", "llm2llm", "pada")


def study(options: argparse.Namespace) -> int:
    """Run what is missing, look at the test sets at the very end, print the table."""
    plan = plan_of(options.recipes or RECIPES, options.like, options.seeds, options.sizes, options.budget)
    code = ExitCode.DONE if options.table else run_study(plan, options.files)
    if code:
        return code
    table = table_of(plan, options.files)
    if options.json:
        talk.facts(table)
        return ExitCode.DONE
    from pada_local.export.study import render_study

    talk.data(render_study(table))
    return ExitCode.DONE


def plan_of(names: Iterable[str], like: str, seeds: list[int], sizes: list[float], budget: int) -> Plan:
    """The plan for recipes by name or path. Raises UsageError."""
    recipes = [find_recipe(name) for name in names]
    return make_plan(recipes, find_recipe(like) if like else _last_with_samples(recipes), seeds, sizes, budget)


def _last_with_samples(recipes: list[Recipe]) -> Recipe:
    return next((recipe for recipe in reversed(recipes) if recipe.loop.augment == "patterns"), recipes[-1])


def run_study(plan: Plan, files: list[Path]) -> int:
    """Train every run of every project, then test every run; exit code of the first that was broken off."""
    for path in files:
        with Session.start_host(path) as session:
            session.ask("keep_study", plan=msgspec.to_builtins(plan))
    every = [(path, cell) for path in files for cell in cells(plan)]
    for part, what in (("train", "training"), ("test", "test")):
        for at, (path, cell) in enumerate(every, 1):
            code = _run(path, cell, part, f"{what} {at} of {len(every)}")
            if code:
                talk.say("The same command goes on with the study where it was left.")
                return code
    return ExitCode.DONE


def _run(path: Path, cell: Cell, part: str, where: str) -> int:
    """One run up to its test, or its test. Raises UsageError when it failed."""
    with Session.start_host(path) as session:
        now = _run_of(session, cell)
        if now and (now["state"] == "done" or (part == "train" and now["state"] == "held")):
            return ExitCode.DONE
        size = f", {cell.size:g} training examples" if cell.size else ""
        talk.say(f"[{where}] {path.name}: {cell.recipe.name}, seed {cell.seed}{size}")
        outcome = follow(session, session.start(cell.recipe, cell.seed, part), progress=_Quiet())
    return int(outcome.get("exit_code", ExitCode.DONE))


def _run_of(session: Session, cell: Cell) -> dict[str, Any] | None:
    runs = (run for run in session.ask("runs") if (run["recipe_id"], run["seed"]) == (cell.recipe.id, cell.seed))
    return next(runs, None)


class _Quiet(talk.Progress):
    """A study's progress: only the moving line, scores and what went wrong."""

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.TrainStep | events.StageProgress | events.RoundScored | events.RunFailed):
            super().show(event)


def table_of(plan: Plan, files: list[Path]) -> dict[str, Any]:
    """The table over all projects, whatever of it is done."""
    from pada_local.export.study import study_table

    found = []
    for path in files:
        with Session.open(path) as session:
            found.append(session.ask("study_runs", plan=msgspec.to_builtins(plan)))
    return study_table(plan, found)


def compare_examples(session: Session, first: str, second: str, most: int) -> str:
    """The test examples on which two runs differ, with both answers; at most `most` of each kind."""
    if most < 1:
        raise UsageError("--examples must be at least 1.")
    found = session.ask("arms", a={"run": first}, b={"run": second}, split="test")
    lines = []
    for name, what in (("fixed", "better in b"), ("broken", "better in a")):
        lines.append(f"{what}: {len(found[name])}")
        for one in found[name][:most]:
            item = found["items"][one]
            lines += [f"  {json.dumps(item[part], ensure_ascii=False)}" if part == "input" else f"    {part:<9}{item[part]}"
                      for part in ("input", "expected", "a", "b")]  # fmt: skip
    return "\n".join(lines)
