"""The report's figures against counts made by hand, and its text within 80 columns."""

import json

import pytest

from pada_local.errors import UsageError
from pada_local.export.report import build_comparison, build_report
from pada_local.export.text import render_comparison, render_text
from pada_local.store.project import Project


@pytest.fixture
def report(filled):
    return build_report(filled)


def test_every_run_is_there_with_what_it_scored(report):
    vanilla, pada, unfinished = report["runs"]
    assert [run["id"] for run in report["runs"]] == ["aaa1", "bbb2", "ccc3"]
    assert (
        vanilla["test"]["n"] == 39
        and vanilla["test"]["unscored"] == 1
        and vanilla["test"]["mean"] == pytest.approx(19 / 39, abs=1e-6)
    )
    assert pada["test"]["mean"] == 0.75 and pada["test"]["low"] < 0.75 < pada["test"]["high"]
    assert pada["test"]["by_slice"] == {"negation": 0.75, "plain": 0.75}
    assert unfinished["test"] is None and unfinished["rounds"] == [] and unfinished["test_looks"] == 0
    assert (vanilla["test_looks"], pada["champion_round"], pada["tokens_trained"]) == (1, 2, 2000)


def test_rounds_say_why(report):
    first, second = report["runs"][1]["rounds"]
    assert first["validation"]["mean"] == 0.5 and first["validation"]["n"] == 10 and second["validation"]["mean"] == 0.8
    assert first["train"]["examples"] == 10 and first["train"]["tokens"] == 1000
    [pattern] = first["patterns"]
    assert (pattern["failures"], pattern["strategy"]) == (5, "edited")
    rate = pattern["rate"]
    assert rate["n"] + rate["rest_n"] in (0, 5, 10) and 0 <= rate["low"] <= rate["rate"] <= rate["high"] <= 1


def test_candidates_add_up_and_say_why_not(report):
    first = report["runs"][1]["rounds"][0]
    states = [first[state] for state in ("accepted", "rejected", "duplicate", "leaked", "unparsable", "pending")]
    assert sum(states) == first["generated"] == 7 and states == [2, 2, 1, 1, 1, 0] and first["selected"] == 1
    assert first["reasons"]["rejected: correctness"] == 2 and first["reasons"]["duplicate: same words"] == 1
    assert sum(first["reasons"].values()) == 5


def test_a_teacher_call_counts_once(report):
    assert report["runs"][1]["teacher"] == {"calls": 3, "repaired": 0, "tokens": 45, "seconds": 1.5}
    assert report["runs"][0]["teacher"]["calls"] == 0


def test_runs_are_compared_on_the_same_examples(report):
    [pair] = report["comparisons"]
    assert (pair["a"], pair["b"], pair["n"]) == ("vanilla", "pada", 39)
    assert (
        pair["difference"] == pytest.approx(10 / 39, abs=1e-6)
        and pair["low"] > 0
        and pair["p"] == pytest.approx(2 / 2**10, abs=1e-6)
    )


def test_notes_say_what_to_doubt(report):
    notes = " ".join(report["notes"])
    for words in (
        "not independent",
        "anecdote",
        "optimistic",
        "did not decide",
        "do not count as zero",
        "choice made on test data",
    ):
        assert words in notes


def test_the_report_is_plain_json_and_repeats(report, filled):
    assert json.dumps(report, allow_nan=False) == json.dumps(build_report(filled), allow_nan=False)


def test_text_fits_eighty_columns_and_holds_the_figures(report):
    text = render_text(report)
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "0.750",
        "negation",
        "vanilla",
        "+0.256",
        "5 failures",
        "rate",
        "edited",
        "2 rejected",
        "correctness",
        "judge not independent",
    ):
        assert words in text


def test_a_comparison_by_name_or_start_of_an_id(filled):
    found = build_comparison(filled, "vanilla", "bbb")
    assert (found["only_a_better"], found["only_b_better"]) == (0, 10)
    assert found["by_slice"]["plain"]["n"] == 20 and found["by_slice"]["negation"]["n"] == 19
    assert max(map(len, render_comparison(found).splitlines())) <= 80


WRONG = [("vanilla", "pada", "fits 2 runs"), ("vanilla", "aaa1", "itself"), ("aaa1", "x", "no run"), ("", "aaa1", "no run"),
         ("aaa1", "ccc3", "no test score")]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "why"), WRONG)
def test_wrong_comparisons_are_refused(filled, a, b, why):
    with pytest.raises(UsageError) as error:
        build_comparison(filled, a, b)
    assert why in str(error.value)


def test_an_empty_project_has_an_empty_report(tmp_path):
    with Project.create(tmp_path / "e.duckdb", {"metric": "exact_match"}, []) as project:
        report = build_report(project)
    assert report["runs"] == report["comparisons"] == report["notes"] == []
    assert "pada run" in render_text(report)
