"""The queries that docs/queries.md gives to people run on a filled project and say what they promise."""

import re
from pathlib import Path

import pytest
from store_help import candidate

from pada_local import records as r
from pada_local.store import Project

TEXT = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"## (.+?)\n.*?```sql\n(.+?)```", TEXT, re.DOTALL)


@pytest.fixture
def filled(project: Project) -> Project:
    """Two rounds on two validation slices, one failure pattern and three candidates, one of them used."""
    ids = {"run_id": "run", "round": 1}
    examples = [
        ("t1", "train", "plain"),
        ("t2", "train", "plain"),
        ("v1", "validation", "plain"),
        ("v2", "validation", "negation"),
    ]
    for position, (name, split, tag) in enumerate(examples):
        project.put(
            r.Example(id=name, split=split, position=position, input=f"in {name}", output=f"out {name}", tags={"slice": tag})
        )
    for number, adapter, scores in ((1, "", (1.0, 0.0)), (2, "a2", (1.0, None))):
        project.put(r.Round(run_id="run", number=number, state="done", adapter_id=adapter))
        for name, value in zip(("v1", "v2"), scores, strict=True):
            key = f"g{number}{name}"
            project.put(
                r.Prediction(id=key, adapter_id=adapter, example_id=name, text="said", tokens=1, decoding={"dtype": "f32"})
            )
            project.put(r.ScoreRow(prediction_id=key, metric="exact_match", value=value, why=""))
    cause = r.Analysis(id="x1", **ids, example_id="v2", prediction_id="g1v2", call_key="c", state="ok", root_cause="misses no")
    pattern = r.Pattern(id="p1", **ids, number=0, name="negation", text="t", failures=1, members=["x1"], call_key="c")
    strategy = r.Strategy(id="s1", **ids, pattern_id="p1", drafted="draft", quota=3, call_key="c", edited="by hand")
    call = r.TeacherCall(
        key="c", prompt_id="q", model="m", purpose="analyse", settings={}, answer="", state="ok", reason="", prompt_tokens=5,
        answer_tokens=2, elapsed_s=1.5,
    )  # fmt: skip
    project.put(cause, pattern, strategy, call)
    project.put(candidate(1, state="rejected", reason="too easy"), candidate(2, seed_examples=["t2", "t1"], selected=True))
    project.put(candidate(3, state="rejected", reason="too easy"))
    return project


def test_the_page_has_the_queries_and_each_runs_on_an_empty_project(project: Project) -> None:
    assert len(QUERIES) == 4
    for _, query in QUERIES:
        assert project.sql(query) == []


def test_a_sample_is_traced_to_pattern_strategy_seeds_and_failures(filled: Project) -> None:
    failure = {"input": "in v2", "expected": "out v2", "answered": "said", "why": "misses no"}
    seeds = ["in t1 -> out t1", "in t2 -> out t2"]
    sample = candidate(2)
    expected = (sample.id, sample.input, sample.output, "accepted", "negation", "by hand", seeds, [failure])
    assert filled.sql(QUERIES[0][1]) == [expected]


def test_candidates_are_counted_by_reason(filled: Project) -> None:
    assert filled.sql(QUERIES[1][1]) == [("run", 1, "rejected", "too easy", 2, 0), ("run", 1, "accepted", "", 1, 1)]


def test_accuracy_is_given_per_slice_and_round(filled: Project) -> None:
    assert [row[1:8] for row in filled.sql(QUERIES[2][1])] == [
        (1, "slice", "negation", "exact_match", 0.0, 1, 0), (2, "slice", "negation", "exact_match", None, 0, 1),
        (1, "slice", "plain", "exact_match", 1.0, 1, 0), (2, "slice", "plain", "exact_match", 1.0, 1, 0),
    ]  # fmt: skip


def test_teacher_calls_add_up(filled: Project) -> None:
    assert filled.sql(QUERIES[3][1]) == [("analyse", "m", "ok", 1, 5, 2, 1.5)]
