"""bench: the loop on drawn worlds whose slices are known, measured against the truth; then the study's table."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pada_local.cli import talk
from pada_local.cli.study import plan_of, run_study, table_of
from pada_local.demo import bench as measuring
from pada_local.demo.project import Difficulty, create_demo
from pada_local.errors import ExitCode, UsageError
from pada_local.session import Session

SHOWN = ("failures", "patterns", "adjusted_rand", "purity", "slice_recall", "selected", "in_weak_slices", "right",
         "judge_precision", "judge_recall", "gate_auc")  # fmt: skip
"""Figures as the glossary calls them."""


def bench(options: argparse.Namespace) -> int:
    """Draw the worlds, run what is missing, print what the oracle says."""
    names = options.recipes or (["vanilla", "demo-quick"] if options.quick else ["vanilla", "pada"])
    like = options.like or ("demo-quick" if options.quick else "demo-pada")
    plan = plan_of(names, like, options.seeds, [0.0], options.budget)
    worlds = Difficulty(missing=options.missing, noise=options.noise, train=options.train)
    files = {draw: create_demo(options.to, draw, options.quick, worlds) for draw in options.draws}
    if not options.table and (code := run_study(plan, list(files.values()))):
        return code
    table = table_of(plan, list(files.values()))
    runs = {(row["recipe"], run["project"]): run for row in reversed(table["rows"]) for run in reversed(row["runs"])}
    measured = {
        name: [(draw, _measure(files[draw], runs[name, at], runs.get(("vanilla", at)))) for at, draw in enumerate(files)]
        for name in _guided(plan)
    }
    facts: dict[str, Any] = {"difficulty": msgspec.to_builtins(worlds), "recipes": {}, "study": table}
    for name, rows in measured.items():
        found = [one for _, one in rows if one is not None]
        facts["recipes"][name] = {
            "worlds": {str(draw): msgspec.to_builtins(one) for draw, one in rows}, "gain": measuring.gain_by_slice(found),
            "mean": measuring.summarise(found), "floors": _floors(measuring.summarise(found)) if found else {},
        }  # fmt: skip
    talk.facts(facts) if options.json else _show(facts)
    return ExitCode.DONE


def _guided(plan: Any) -> list[str]:
    return [recipe.name for recipe in plan.recipes if recipe.loop.augment == "patterns"]


def _measure(path: Path, of: dict[str, Any], vanilla: dict[str, Any] | None) -> measuring.Measures | None:
    """The figures of a run of the study (the first seed's) in a project; None before it is done."""
    if of["state"] != "done":
        return None
    run = of["run"]
    with Session.open(path) as session:

        def rows(kind: str, **where: Any) -> list[dict[str, Any]]:
            return session.ask("rows", kind=kind, where=where)

        missing = next(row["value"] for row in rows("Setting") if row["key"] == "missing_slices").split(", ")
        candidates = rows("Candidate", run_id=run)
        verdicts = rows("Verdict", candidate_id=[row["id"] for row in candidates]) if candidates else []
        keys = sorted({key for row in verdicts if row["criterion"] == "rederive" for key in row["calls"]})
        calls = rows("TeacherCall", key=keys) if keys else []
        tests = {one["id"]: one["test"]["by_slice"] for one in session.report()["runs"] if one["test"]}
        examples = rows("Example", split="validation")
        return measuring.measure(
            missing, {row["id"]: row["tags"]["slice"] for row in examples}, rows("Analysis", run_id=run, round=1),
            rows("Pattern", run_id=run, round=1), candidates, verdicts, {row["key"]: _own(row["answer"]) for row in calls},
            _gain(tests.get(vanilla["run"]) if vanilla else None, tests.get(run)),
        )  # fmt: skip


def _own(answer: str) -> str:
    """The judge's own output in a stored answer; the text itself where it is no JSON object."""
    try:
        value = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return answer
    return str(next(iter(value.values()), "")) if isinstance(value, dict) else str(value)


def _gain(before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after if name in before} if before and after else {}


def _floors(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"floor": floor, "figure": found[name], "held": found[name] is not None and found[name] >= floor}
            for name, floor in measuring.FLOORS.items()}  # fmt: skip


def _show(facts: dict[str, Any]) -> None:
    for name, found in facts["recipes"].items():
        worlds = {draw: one for draw, one in found["worlds"].items() if one}
        if not worlds:
            raise UsageError(f"No run of {name} is done.", "", "Leave out --table.")
        talk.data(f"{name} against the truth of {len(worlds)} drawn worlds (meaning of each figure: pada explain NAME)")
        rows = [
            [key.replace("_", " "), *(_cell(one, key) for one in worlds.values()), _cell(found["mean"], key)] for key in SHOWN
        ]
        talk.data(talk.table(rows, ["draw", *worlds, "mean"]))
        mean = found["mean"]
        talk.data(f"wrong samples that reached the judge: {mean['wrong_seen']}, refused: {mean['wrong_refused']}")
        if len(worlds) < measuring.FEWEST_WORLDS:
            talk.data(f"Floors are meant for means over at least {measuring.FEWEST_WORLDS} worlds.")
        for key, floor in found["floors"].items():
            state = "held" if floor["held"] else "NOT held"
            talk.data(f"floor {key.replace('_', ' ')} >= {floor['floor']}: {_cell(mean, key)}, {state}")
        gains = ", ".join(f"{slice_name} {value:+.2f}" for slice_name, value in found["gain"].items())
        talk.data(f"gain over vanilla by slice: {gains or 'none'}\n")
    from pada_local.export.study import render_study

    talk.data(render_study(facts["study"]))


def _cell(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}"
