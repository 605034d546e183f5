"""The table of a study: means over seeds, paired differences, what a sample cost. Reads the rows of one or several projects."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean
from typing import Any

import msgspec

from pada_local.export.cost import teacher_use
from pada_local.export.scores import Scores, rounded
from pada_local.metrics.statistics import holm
from pada_local.metrics.two_level import two_level_difference, two_level_interval
from pada_local.records import Candidate, Round, Run, Setting, TestLook
from pada_local.study import BASELINES, Plan, cells

SETTING = "study:"
"""Begin of the keys under which a project keeps the plans of its studies."""
RESAMPLES = 2000


def plans(project: Any) -> list[Plan]:
    """The studies that this project was in, oldest first."""
    rows = [row for row in project.get(Setting) if row.key.startswith(SETTING)]
    return [msgspec.json.decode(row.value, type=Plan) for row in rows]


def study_runs(project: Any, plan: Plan) -> list[dict[str, Any]]:
    """One entry per run of the plan: its state, scores and cost; `run` is empty where none was begun."""
    scores = Scores(project)
    known = {(run.recipe_id, run.seed): run for run in project.get(Run)}
    found = []
    for cell in cells(plan):
        run = known.get((cell.recipe.id, cell.seed))
        facts = _facts(project, scores, run) if run else {"run": "", "state": "missing", "validation": None, "test": {}}
        name = {"recipe": cell.recipe.name, "size": cell.size, "seed": cell.seed}
        found.append(name | {"baseline": cell.recipe.loop.augment in BASELINES} | facts)
    return found


def _facts(project: Any, scores: Scores, run: Run) -> dict[str, Any]:
    rounds = project.get(Round, run_id=run.id)
    best = max((row.validation_mean for row in rounds if row.validation_mean is not None), default=None)
    look = project.one(TestLook, run_id=run.id)
    use = teacher_use(project, scores, run)
    rows = project.get(Candidate, run_id=run.id, state="accepted")
    return {
        "run": run.id, "state": run.state, "reason": run.reason, "validation": best,
        "test": scores.of(look.adapter_id, "test").values if look else {},
        "accepted": len(rows), "used": sum(row.selected for row in rows), "tokens": use["tokens"], "seconds": use["seconds"],
    }  # fmt: skip


def study_table(plan: Plan, projects: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Rows by recipe and size over all seeds of all projects (each project's runs as `study_runs` gives them)."""
    runs = [dict(run, project=at) for at, group in enumerate(projects) for run in group]
    arms: dict[tuple[str, float], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        arms[run["recipe"], run["size"]].append(run)
    rows = [_row(name, size, arm) for (name, size), arm in arms.items()]
    done = sum(bool(run["test"]) for run in runs)
    best = {size: _best_baseline([row for row in rows if row["size"] == size]) for size in plan.sizes}
    for row in rows:
        for what, other in (("to_vanilla", "vanilla"), ("to_best", best[row["size"]])):
            base = arms.get((other, row["size"])) if other != row["recipe"] else None
            row[what] = _difference(base, arms[row["recipe"], row["size"]]) if base else None
        if best[row["size"]] == "vanilla":
            row["to_best"] = None  # it is the same difference
    tests = [row[what] for row in rows for what in ("to_vanilla", "to_best") if row[what]]
    for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["holm_p"] = p
    return rounded({
        "id": plan.id, "budget": plan.budget, "seeds": plan.seeds, "sizes": plan.sizes, "projects": len(projects),
        "runs": len(runs), "tested": done, "family": len(tests),
        "best_baseline": {f"{size:g}": name for size, name in best.items()}, "rows": rows,
    })  # fmt: skip


def _row(name: str, size: float, arm: list[dict[str, Any]]) -> dict[str, Any]:
    tested = [run["test"] for run in arm if run["test"]]
    begun = [run for run in arm if run["run"]]
    known = [run["validation"] for run in begun if run["validation"] is not None]
    found = msgspec.to_builtins(two_level_interval(tested, resamples=RESAMPLES)) if tested else None
    accepted = sum(run["accepted"] for run in begun)
    return {
        "recipe": name, "size": size, "baseline": arm[0]["baseline"], "test": found, "validation": mean(known) if known else None,
        "used": mean(run["used"] for run in begun) if begun else None,
        "tokens_per_accepted": sum(run["tokens"] for run in begun) / accepted if accepted else None,
        "seconds_per_accepted": sum(run["seconds"] for run in begun) / accepted if accepted else None,
        "runs": [{"project": run["project"], "seed": run["seed"], "run": run["run"], "state": run["state"],
                  "mean": mean(run["test"].values()) if run["test"] else None} for run in arm],
    }  # fmt: skip


def _best_baseline(rows: list[dict[str, Any]]) -> str:
    """By validation, never by test; empty while none is known."""
    known = [row for row in rows if row["baseline"] and row["validation"] is not None]
    return max(known, key=lambda row: row["validation"])["recipe"] if known else ""


def _difference(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> dict[str, Any] | None:
    """b minus a over the (project, seed) pairs that both were tested on."""
    left, right = ({(run["project"], run["seed"]): run["test"] for run in arm if run["test"]} for arm in (a, b))
    shared = sorted(left.keys() & right.keys())
    if not shared:
        return None
    found = two_level_difference([left[key] for key in shared], [right[key] for key in shared], resamples=RESAMPLES)
    return msgspec.to_builtins(found)


def render_study(table: dict[str, Any]) -> str:
    """The table for a terminal of 80 columns."""
    what = f"{len(table['rows'])} rows, {table['tested']} of {table['runs']} runs tested; at most {table['budget']} samples a run"
    lines = [f"Study {table['id'][:8]}: {what}",
             f"{'recipe':<21}{'train':>6}  {'test [95 %]':<22}{'valid.':>7}{'used':>6}{'tok/acc':>9}{'s/acc':>7}"]  # fmt: skip
    for row in table["rows"]:
        test = _interval(row["test"]) if row["test"] else "not tested"
        cost = f"{_cell(row['tokens_per_accepted'], '.0f'):>9}{_cell(row['seconds_per_accepted'], '.1f'):>7}"
        beside = f"{_cell(row['validation'], '.3f'):>7}{_cell(row['used'], '.0f'):>6}{cost}"
        lines.append(f"{row['recipe'][:20]:<21}{row['size'] or 'all':>6}  {test:<22}{beside}")
    lines += ["", f"Differences, paired by seed and example; Holm's p over all {table['family']} of them"]
    for row, other, test in differences(table):
        size = f" ({row['size']:g})" if row["size"] else ""
        name = f"{row['recipe'][:21]} − {other[:17]}{size}"
        lines.append(f"  {name:<42}{test['difference']:+.3f} [{test['low']:+.3f}, {test['high']:+.3f}] p={test['holm_p']:.3f}")
    seeds = max((row["test"]["n"] for row in table["rows"] if row["test"]), default=0)
    best = ", ".join(sorted(set(table["best_baseline"].values()) - {""}))
    lines += ["", f"Best baseline on validation: {best or 'none yet'}. Pairs of project and seed: {seeds}."]
    if 0 < seeds < 3:
        lines.append("With fewer than three the intervals hardly know how seeds differ.")
    return "\n".join(lines)


def differences(table: dict[str, Any]) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(row, the other recipe, difference) for every difference of the table."""
    best = table["best_baseline"]
    found = [(row, other, row[what]) for row in table["rows"]
             for what, other in (("to_vanilla", "vanilla"), ("to_best", best.get(f"{row['size']:g}", "")))]  # fmt: skip
    return [one for one in found if one[2]]


def _interval(found: dict[str, Any]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _cell(value: float | None, how: str) -> str:
    return "-" if value is None else f"{value / 1000:.0f}k" if value >= 10_000 else format(value, how)
