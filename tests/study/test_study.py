"""A study: recipes made comparable, the test set looked at when everything is trained, one table with corrected differences."""

import msgspec
import pytest

from pada_local import loop
from pada_local.crew import Crew
from pada_local.errors import UsageError
from pada_local.export.html import render_html
from pada_local.export.report import build_report
from pada_local.export.study import SETTING, render_study, study_runs, study_table
from pada_local.export.text import render_text
from pada_local.metrics.statistics import holm
from pada_local.recipe import load, parse
from pada_local.records import Example, Prediction, Run, Setting
from pada_local.records import TestLook as LookAtTest
from pada_local.runtime.places import recipes_folder
from pada_local.session import find_unfinished
from pada_local.study import cells, make_plan
from tests.fakes import SETTINGS
from tests.loop.test_loop import RECIPE, Bench

VANILLA = "name = 'vanilla'\n[loop]\nrounds = 1\naugment = 'none'\n[train]\nsteps = 7\n"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.project.close()


def go(bench, cell, part):
    crew = Crew(bench.student, bench.teacher, bench.teacher, dict(SETTINGS))
    bench.patch.setattr(loop, "assemble", lambda *_: crew)
    (bench.folder / "private").mkdir(exist_ok=True)
    return loop.start_run(bench.project, cell.recipe, cell.seed, dict(SETTINGS), bench.folder / "private",
                          bench.events.append, lambda: False, part)  # fmt: skip


def test_recipes_of_a_study_train_alike_on_as_many_samples():
    names = ("vanilla", "random-strategies", "auggpt", "llm2llm", "pada", "pada-one-cluster", "pada-paper")
    recipes = [load(recipes_folder() / f"{name}.toml") for name in names]
    like = load(recipes_folder() / "demo-pada.toml")
    plan = make_plan(recipes, like, [1, 2, 2], [0, 100], 0)
    assert (plan.budget, plan.seeds, len(cells(plan))) == (160, [1, 2], 28)
    for before, after in zip(recipes, plan.recipes, strict=True):
        assert (after.train, after.evaluate, after.teacher) == (like.train, like.evaluate, like.teacher)
        assert after.loop == before.loop and after.gate == before.gate
        assert after.generate.budget * max(1, after.loop.rounds - 1) == 160
    shown = {recipe.name: recipe.patterns for recipe in plan.recipes}
    assert {one.shown for one in shown.values()} == {6}
    assert shown["pada-one-cluster"].k == 1 and shown["pada-paper"].clustering == "kmeans"
    assert {cell.recipe.loop.train_size for cell in cells(plan)} == {0, 100}


WRONG = [([], [0], 9, 1), ([1], [-1], 9, 1), ([1], [0], 1, 1), ([1], [0], 9, 2)]


@pytest.mark.parametrize(("seeds", "sizes", "budget", "twice"), WRONG)
def test_a_plan_that_cannot_be_run_is_refused(seeds, sizes, budget, twice):
    pada = load(recipes_folder() / "pada.toml")
    with pytest.raises(UsageError):
        make_plan([pada] * twice, pada, seeds, sizes, budget)


def test_the_test_set_is_looked_at_when_all_are_trained_and_nothing_is_made_twice(bench):
    plan = make_plan([parse(VANILLA), parse(RECIPE)], parse(RECIPE), [1, 2], [0], 24)
    bench.project.put(Setting(key=f"{SETTING}{plan.id}", value=msgspec.json.encode(plan).decode()))
    for cell in cells(plan):
        assert go(bench, cell, "train") == "held"
    tests = {row.id for row in bench.all(Example, split="test")}
    assert not bench.all(LookAtTest) and not bench.all(Prediction, example_id=sorted(tests))
    asked, trained = len(bench.teacher.asks), len(bench.student.trained)
    assert trained == 4  # two seeds: vanilla's student is pada's first one
    half = study_table(plan, [study_runs(bench.project, plan)])
    assert half["tested"] == 0 and half["best_baseline"] == {"0": "vanilla"} and "not tested" in render_study(half)
    for cell in cells(plan):
        with pytest.raises(UsageError, match="belongs to a study"):
            go(bench, cell, "")
    assert {row.state for row in bench.all(Run)} == {"held"} and not bench.all(LookAtTest)
    assert find_unfinished([{"state": row.state} for row in bench.all(Run)]) is None
    assert all(go(bench, cell, "test") == "done" for cell in cells(plan))
    assert (len(bench.teacher.asks), len(bench.student.trained)) == (asked, trained)
    assert len(bench.all(LookAtTest)) == 4 and {row.state for row in bench.all(Run)} == {"done"}
    table = study_table(plan, [study_runs(bench.project, plan)])
    first, second = table["rows"]
    assert (first["recipe"], first["test"]["n"], first["to_vanilla"]) == ("vanilla", 2, None)
    assert second["test"]["mean"] == 1.0 and second["used"] == 24 and second["to_best"] is None
    assert second["to_vanilla"]["difference"] == pytest.approx(1 - first["test"]["mean"], abs=1e-5)
    assert table["family"] == 1
    report = build_report(bench.project)
    assert report["studies"] == [table]
    assert "Study" in render_text(report) and "Test mean of each recipe" in render_html(report)
    assert max(map(len, render_study(table).splitlines())) <= 80


def run(recipe, seed, values, validation, baseline=True):
    return {"recipe": recipe, "size": 0, "seed": seed, "baseline": baseline, "run": f"{recipe}{seed}", "state": "done",
            "validation": validation, "test": values, "accepted": 10, "used": 8, "tokens": 500, "seconds": 5.0}  # fmt: skip


def test_differences_are_paired_corrected_and_against_the_best_baseline_on_validation():
    plan = make_plan([parse("name = 'vanilla'\n")], parse("name = 'x'\n"), [1, 2, 3], [0], 9)
    ids = [f"e{number}" for number in range(200)]

    def values(share, shift):
        return {one: float((at * 7 + shift) % 100 < share) for at, one in enumerate(ids)}

    projects = [[
        run("vanilla", seed, values(50, seed), 0.5), run("auggpt", seed, values(55, seed), 0.7),
        run("llm2llm", seed, values(70, seed), 0.6), run("pada", seed, values(80, seed), 0.9, baseline=False),
    ] for seed in (1, 2, 3)]  # fmt: skip
    table = study_table(plan, projects)
    rows = {row["recipe"]: row for row in table["rows"]}
    assert table["best_baseline"] == {"0": "auggpt"}  # the best on validation, though not on test
    assert rows["pada"]["to_vanilla"]["difference"] == pytest.approx(0.3, abs=1e-6)
    assert rows["pada"]["to_best"]["difference"] == pytest.approx(0.25, abs=1e-6)
    assert rows["auggpt"]["to_best"] is None and rows["pada"]["tokens_per_accepted"] == 50
    tests = [row[what] for row in table["rows"] for what in ("to_vanilla", "to_best") if row[what]]
    assert table["family"] == len(tests) == 6
    assert [test["holm_p"] for test in tests] == pytest.approx(holm([test["p"] for test in tests]), abs=1e-5)
    low, high = rows["pada"]["to_vanilla"]["low"], rows["pada"]["to_vanilla"]["high"]
    assert 0 < low < 0.3 < high < 0.5
