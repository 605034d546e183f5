"""The loop on a real project file with a fake student and a fake teacher: METHODS-level promises, resuming, the leak property."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

from pada_local import loop
from pada_local.crew import Crew
from pada_local.data.leakage import LeakGuard
from pada_local.errors import Interrupted
from pada_local.export.report import build_report
from pada_local.recipe import parse
from pada_local.records import (
    Analysis,
    Candidate,
    Example,
    JudgeAudit,
    Pattern,
    Prediction,
    Round,
    Run,
    ScoreRow,
    Stage,
    Strategy,
    Verdict,
)
from pada_local.records import TestLook as LookAtTest
from pada_local.store.project import Project
from pada_local.teacher import schemas
from tests.fakes import SETTINGS, FakeStudent, FakeTeacher, examples

RECIPE = """
name = "test"
[loop]
rounds = 2
[generate]
budget = 24
items_per_call = 3
[gate]
audit_items = 8
"""


class Bench:
    """A project on disk and one way to run it."""

    def __init__(self, folder: Path, monkeypatch, words: int = 14, missing=(4, 5)) -> None:
        self.path = folder / "bench.duckdb"
        Project.create(self.path, SETTINGS, examples(1, missing, words)).close()
        self.project = Project.open(self.path)
        self.folder, self.patch, self.events = folder, monkeypatch, []
        self.student, self.teacher, self.settings = FakeStudent(), FakeTeacher(), dict(SETTINGS)

    def run(self, recipe: str = RECIPE, cancelled=lambda: False, seed: int = 1) -> str:
        crew = Crew(self.student, self.teacher, self.teacher, dict(self.settings))
        self.patch.setattr(loop, "assemble", lambda *_: crew)
        private = self.folder / "private"
        private.mkdir(exist_ok=True)
        return loop.start_run(self.project, parse(recipe), seed, dict(self.settings), private, self.events.append, cancelled)

    def all(self, kind, **where):
        return self.project.get(kind, **where)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.project.close()


def test_missing_kinds_become_patterns_and_are_learned(bench):
    assert bench.run() == "done"
    first, second = sorted(bench.all(Round), key=lambda row: row.number)
    assert first.validation_mean == pytest.approx(4 / 6)
    assert second.validation_mean == 1.0
    patterns = bench.all(Pattern)
    assert {row.name for row in patterns} == {"kind4", "kind5"}
    assert [row.failures for row in patterns] == [6, 6]
    run = bench.all(Run)[0]
    assert run.champion_round == 2 and run.state == "done"
    assert len(bench.all(LookAtTest)) == 1


def test_every_candidate_has_one_final_state_and_they_add_up(bench):
    bench.run()
    candidates = bench.all(Candidate)
    states = Counter(row.state for row in candidates)
    assert "pending" not in states
    generated = sum(row.counts["generated"] for row in bench.all(Stage, name="generate"))
    assert generated == sum(states.values()) == len(candidates)
    assert sum(row.selected for row in candidates) == 24
    assert all(row.state == "accepted" for row in candidates if row.selected)


def test_quotas_follow_cluster_sizes(bench):
    bench.run()
    assert [row.quota for row in bench.all(Strategy)] == [12, 12]


def test_a_sample_can_be_traced_to_the_failures_behind_it(bench):
    bench.run()
    sample = next(row for row in bench.all(Candidate) if row.selected)
    strategy = bench.project.one(Strategy, id=sample.strategy_id)
    pattern = bench.project.one(Pattern, id=strategy.pattern_id)
    analysis = bench.project.one(Analysis, id=pattern.members[0])
    assert bench.project.one(Prediction, id=analysis.prediction_id).example_id == analysis.example_id
    seeds = bench.all(Example, id=sample.seed_examples)
    assert seeds and all(row.split == "train" for row in seeds)


def test_no_failures_no_generation(tmp_path, monkeypatch):
    bench = Bench(tmp_path, monkeypatch, missing=())
    assert bench.run() == "done"
    assert bench.teacher.asks == []
    assert "fewer than 8" in bench.all(Run)[0].reason
    bench.project.close()


def test_the_control_never_shows_a_failure_to_the_teacher(bench):
    control = RECIPE.replace("rounds = 2", 'rounds = 2\naugment = "random"') + "\n"
    control = control.replace("[generate]", "[generate]\nshare_pattern = 1.0\nshare_train_error = 0.0")
    bench.run(control)
    assert {ask.purpose for ask in bench.teacher.asks} == {"invent", "generate", "judge", "solve"}
    assert bench.all(Analysis) == []
    assert sum(row.selected for row in bench.all(Candidate)) == 24


def test_running_again_asks_nothing_and_changes_nothing(bench):
    bench.run()
    before = [bench.all(kind) for kind in (Candidate, Pattern, Verdict, Prediction, Run)]
    asked = len(bench.teacher.asks)
    bench.run()
    assert len(bench.teacher.asks) == asked
    assert before == [bench.all(kind) for kind in (Candidate, Pattern, Verdict, Prediction, Run)]


def tables(bench):
    """Final tables without times."""
    plain = {kind: bench.all(kind) for kind in (Candidate, Pattern, Strategy, Analysis, Verdict, JudgeAudit)}
    plain[Run] = [(row.id, row.state, row.champion_round) for row in bench.all(Run)]
    plain[Prediction] = sorted((row.id, row.text) for row in bench.all(Prediction))
    plain[Stage] = [(row.name, row.round, row.wave, row.counts) for row in bench.all(Stage)]
    return plain


@pytest.mark.parametrize("stop_at", range(1, 60, 6))
def test_a_run_paused_anywhere_ends_with_the_same_tables(tmp_path, monkeypatch, stop_at):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, parts = Bench(tmp_path / "a", monkeypatch), Bench(tmp_path / "b", monkeypatch)
    whole.run()
    looks = itertools.count(1)
    with pytest.raises(Interrupted):
        parts.run(cancelled=lambda: next(looks) >= stop_at)
    parts.run()
    assert tables(whole) == tables(parts)
    whole.project.close()
    parts.project.close()


@pytest.mark.parametrize("words", [8, 20])
def test_validation_never_teaches_even_when_the_teacher_echoes_it(tmp_path, monkeypatch, words):
    """A teacher that repeats every validation input it ever saw, wherever it can."""
    bench = Bench(tmp_path, monkeypatch, words=words)
    secrets = [row.input for row in bench.all(Example, split="validation")]
    turn = itertools.cycle(secrets)

    def echo(ask):
        match ask.purpose:
            case "analyse" if int(ask.prompt.split("item")[1].split()[0]) % 2:
                return schemas.Analysis(root_cause=f"It failed on {next(turn)}", scenario="kind4 items")
            case "summarise":
                return schemas.PatternName(name="kind4", pattern=f"Like {next(turn)}")
            case "draft":
                return schemas.StrategyText(strategy="Write items of kind4.")
            case "generate" | "near_error" | "regenerate":
                own = bench.teacher.items(ask)
                return schemas.NewItems(items=[schemas.NewItem(input=next(turn), output="out4"), *own[1:]])
        return ...

    bench.teacher = FakeTeacher(echo)
    bench.run()
    guard = LeakGuard(secrets, [row.input for row in bench.all(Example, split="train")])
    writing = ("draft", "invent", "generate", "near_error", "regenerate", "judge", "solve", "summarise")
    prompts = [ask.prompt for ask in bench.teacher.asks if ask.purpose in writing]
    assert prompts
    assert [prompt for prompt in prompts if guard.refuses_within(prompt)] == []
    candidates = bench.all(Candidate)
    assert any(row.state == "leaked" for row in candidates)
    assert [row for row in candidates if row.state == "accepted" and guard.refuses(row.input)] == []
    trained = [row.prompt for job in bench.student.trained for row in job.examples]
    assert not set(trained) & set(secrets)
    bench.project.close()


def judge_says(correctness):
    def behave(ask):
        if ask.purpose != "judge" or "Write items that fit the task" in ask.prompt:
            return ...
        return schemas.Scores(reason="weak", relevance=9, adherence=9, utility=9, correctness=correctness)

    return behave


def test_a_judge_that_refuses_is_asked_twice_more_and_then_the_item_is_dropped(bench):
    bench.teacher = FakeTeacher(judge_says(4))
    bench.run()
    candidates = bench.all(Candidate)
    assert Counter(row.state for row in candidates)["rejected"] == len(candidates)
    assert max(row.attempt for row in candidates) == 2
    assert all(row.reason == "weak" for row in candidates)
    again = [ask for ask in bench.teacher.asks if ask.purpose == "regenerate"]
    assert again and all("Reason: weak" in ask.prompt for ask in again)
    assert bench.all(Run)[0].reason == "No new sample of round 1 passed the gate."


def test_scores_of_a_judge_that_cannot_tell_right_from_wrong_are_shown_and_not_used(bench):
    def blind(ask):
        return schemas.Scores(reason="bad", relevance=1, adherence=1, utility=1, correctness=1) if ask.purpose == "judge" else ...

    bench.teacher = FakeTeacher(blind)
    bench.run()
    audit = bench.project.one(JudgeAudit, kind="scores")
    assert audit.auc == 0.5 and not audit.used
    assert sum(row.state == "accepted" for row in bench.all(Candidate)) >= 24
    assert {row.value for row in bench.all(Verdict, criterion="judge")} == {1.0}


def test_unreadable_answers_are_counted_and_the_run_goes_on(bench):
    bench.teacher = FakeTeacher(lambda ask: None if ask.purpose == "generate" and ask.seed % 2 else ...)
    assert bench.run() == "done"
    states = Counter(row.state for row in bench.all(Candidate))
    assert states["unparsable"] > 0 and states["accepted"] >= 20


def test_a_wrong_answer_is_caught_by_answering_again(bench):
    def wrong(ask):
        if ask.purpose != "generate":
            return ...
        items = bench.teacher.items(ask)
        return schemas.NewItems(items=[schemas.NewItem(input=items[0].input, output="out0"), *items[1:]])

    bench.teacher = FakeTeacher(wrong)
    bench.run(RECIPE.replace("[gate]", "[gate]\njudge = false"))
    refused = bench.all(Candidate, state="rejected")
    assert refused and all("Answering the input again" in row.reason for row in refused)


def test_arms_share_the_first_round(bench):
    bench.run()
    predictions = len(bench.all(Prediction))
    bench.run('name = "vanilla"\n[loop]\nrounds = 1\naugment = "none"')
    assert len(bench.student.trained) == 2
    assert len(bench.all(Prediction)) == predictions + 36  # its own look at the test set


def test_when_every_check_failed_its_audit_only_an_equal_own_answer_lets_a_sample_in(bench):
    def useless(ask):
        if ask.purpose == "judge":
            return schemas.Scores(reason="fine", relevance=9, adherence=9, utility=9, correctness=9)
        return schemas.Solution(answer="no idea") if ask.purpose == "solve" else ...

    bench.teacher = FakeTeacher(useless)
    bench.run()
    audits = bench.all(JudgeAudit)
    assert {row.kind for row in audits} == {"scores", "rederive"} and not any(row.used for row in audits)
    candidates = bench.all(Candidate)
    assert candidates and {row.state for row in candidates} == {"rejected"}
    assert any("No check passed its audit" in note for note in build_report(bench.project)["notes"])


def test_every_vote_is_kept_with_its_verdict(bench):
    bench.run(RECIPE.replace("[gate]", "[gate]\nvotes = 3"))
    rows = bench.all(Verdict, criterion="rederive")
    assert rows and all(len(set(row.calls)) == 3 for row in rows)


@pytest.mark.parametrize(("errors", "near"), [(0, 0), (1, 4), (2, 7)])
def test_few_training_errors_do_not_take_the_whole_share_of_the_budget(bench, errors, near):
    for number in range(errors):
        row = Example(id=f"odd{number}", split="train", position=900 + number, input=f"kind4 odd{number} one", output="out4")
        bench.project.put(row)
    bench.run()
    wanted_of_strategies = sum(row.quota for row in bench.all(Strategy, round=1))
    assert wanted_of_strategies == 24 - near
    assert sum(row.selected for row in bench.all(Candidate, origin="train_error")) == near


def test_the_judge_metric_grades_what_does_not_equal_the_reference(bench):
    def grades(ask):
        return schemas.Grade(reason="half right", score=5) if ask.purpose == "grade" else ...

    bench.teacher = FakeTeacher(grades)
    bench.settings = SETTINGS | {"metric": "judge"}
    bench.run("name = 'test'\n[loop]\naugment = 'none'\n")
    scores = bench.all(ScoreRow, metric="judge")
    assert {(row.value, bool(row.call_key)) for row in scores} == {(1.0, False), (0.5, True)}
    asked = [ask.prompt for ask in bench.teacher.asks if ask.purpose == "grade"]
    assert asked and all("Reference answer: out" in prompt and "Answer to grade: unsure" in prompt for prompt in asked)
    assert bench.all(Round)[0].validation_mean == pytest.approx((4 + 2 * 0.5) / 6)


def test_a_grade_that_cannot_be_read_leaves_the_answer_unscored(bench):
    bench.teacher = FakeTeacher(lambda ask: None if ask.purpose == "grade" else ...)
    bench.settings = SETTINGS | {"metric": "judge"}
    bench.run("name = 'test'\n[loop]\naugment = 'none'\n")
    unscored = [row for row in bench.all(ScoreRow) if row.value is None]
    assert unscored and all("cannot be read" in row.why for row in unscored)
