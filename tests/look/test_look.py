"""What screens ask of a file: arms, maps, filters, nearest examples, facts; on a finished run of the loop with fakes."""

import msgspec
import pytest

from pada_local import review
from pada_local.errors import UsageError
from pada_local.export.scores import Scores, interval, rounded
from pada_local.export.trends import pattern_trends
from pada_local.look import arms, examples, maps, rounds, samples
from pada_local.records import Candidate, Decision, Example, Pattern, Prediction, Round, Run, ScoreRow, Verdict
from pada_local.store.project import Project
from tests.loop.test_loop import RECIPE, Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        made = Bench(tmp_path_factory.mktemp("look"), patch)
        made.run()
        yield made
        made.project.close()


def test_a_later_round_beside_the_first_shows_what_was_fixed(bench):
    run = bench.project.one(Run)
    found = arms.side_by_side(bench.project, {"run": run.id, "round": 1}, {"run": run.id, "round": 2})
    assert found["a"]["mean"] == pytest.approx(4 / 6, abs=1e-3) and found["b"]["mean"] == 1.0
    assert len(found["fixed"]) == 12 and found["broken"] == [] and found["difference"]["p"] < 0.01
    assert {name: (bar["a"], bar["b"], bar["n"]) for name, bar in found["by_pattern"].items()} == {
        "kind4": (0.0, 1.0, 6), "kind5": (0.0, 1.0, 6)
    }  # fmt: skip
    item = found["items"][found["fixed"][0]]
    assert item["a"] != item["expected"] == item["b"] and item["input"]


def test_test_items_stay_hidden_until_both_runs_are_done(tmp_path, monkeypatch):
    bench = Bench(tmp_path, monkeypatch)
    bench.run()
    run = bench.project.one(Run)
    bench.project.replace(type(run)(**{name: getattr(run, name) for name in run.__struct_fields__} | {"state": "paused"}))
    arm = {"run": run.id, "round": 1}
    with pytest.raises(UsageError, match="hidden"):
        arms.side_by_side(bench.project, arm, arm, "test")
    assert arms.side_by_side(bench.project, arm, arm)["difference"]["difference"] == 0
    with pytest.raises(UsageError, match="no scored"):
        arms.side_by_side(bench.project, arm, {"run": run.id, "round": 9})
    bench.project.close()


def test_patterns_shrink_to_nothing_when_their_kind_is_learned(bench):
    run = bench.project.one(Run)
    found = pattern_trends(bench.project, Scores(bench.project), run)
    assert {tuple(trend) for trend in found.values()} == {((1, 6), (2, 0))} and len(found) == 2


def test_the_map_puts_neighbours_together_and_is_the_same_each_time(bench):
    run = bench.project.one(Run)
    found = maps.failure_map(bench.project, run.id, 1)
    assert found == maps.failure_map(bench.project, run.id[:8], 1)
    points = found["points"]
    assert len(points) == 12 and found["left_out"] == 0 and 0 < found["explained"] <= 1
    assert all(0 <= point["x"] <= 1 and 0 <= point["y"] <= 1 for point in points)

    def centre(number: int) -> float:
        of_pattern = [point["x"] for point in points if point["pattern"] == number]
        return sum(of_pattern) / len(of_pattern)

    assert abs(centre(1) - centre(2)) > 0.5
    assert maps.failure_map(bench.project, run.id, 7)["points"] == []


def ids(bench, **words) -> set[str]:
    return set(samples.sample_ids(bench.project, samples.read_filter(words)))


def test_every_filter_means_what_it_says(bench):
    rows = bench.project.get(Candidate)
    verdicts = bench.project.get(Verdict)
    pattern = bench.project.get(Pattern)[0]
    assert ids(bench) == {row.id for row in rows}
    assert ids(bench, state="accepted") == {row.id for row in rows if row.state == "accepted"} != set()
    assert ids(bench, pattern_id=pattern.id) == {row.id for row in rows if row.pattern_id == pattern.id} != set()
    for criterion in ("duplicate", "judge", "rederive", "leak"):
        failed = {row.candidate_id for row in verdicts if row.criterion == criterion and not row.passed}
        assert ids(bench, failed=criterion) == failed
    judged = {row.candidate_id: row.value for row in verdicts if row.criterion == "judge"}
    assert ids(bench, score_from=8.0) == {key for key, value in judged.items() if value >= 8.0}
    assert ids(bench, score_from=0.0, score_to=7.5) == {key for key, value in judged.items() if value <= 7.5}
    seed = next(row.seed_examples[0] for row in rows if row.seed_examples)
    assert ids(bench, example_id=seed) == {row.id for row in rows if seed in row.seed_examples} != set()
    assert ids(bench, search="KIND4", state="accepted") <= ids(bench, state="accepted")
    with pytest.raises(UsageError):
        samples.read_filter({"colour": "red"})
    page = samples.samples_page(bench.project, samples.read_filter({"state": "accepted"}), 2, 5)
    assert [row["id"] for row in page["rows"]] == [row.id for row in rows if row.state == "accepted"][2:7]
    assert page["total"] == len(ids(bench, state="accepted")) and page["rows"][0]["score"] is not None


def test_scored_rounds_are_the_scores_of_the_report(tmp_path, monkeypatch):
    bench = Bench(tmp_path, monkeypatch)
    bench.run()
    run, metric = bench.project.one(Run), bench.project.one(ScoreRow).metric
    first = bench.project.get(Round, run_id=run.id)[0].adapter_id
    ids = [row.id for row in bench.project.get(Example, split="validation")]
    answers = {row.example_id: row for row in bench.project.get(Prediction, adapter_id=first)}
    later = [msgspec.structs.replace(answers[one], id=f"later {one}") for one in ids[:3]]  # answered again, once without a score
    values = (0.25, None, 0.75)
    scores = [ScoreRow(prediction_id=f"later {one}", metric=metric, value=value, why="")
              for one, value in zip(ids, values, strict=False)]  # fmt: skip
    bench.project.put(*later, *scores, ScoreRow(prediction_id=later[1].id, metric="another", value=0.5, why=""))
    by_report, found = Scores(bench.project), rounds.scored_rounds(bench.project)[0]

    def told(adapter: str, split: str):
        return rounded(interval(list(by_report.of(adapter, split).values.values())))

    adapters = {row.number: row.adapter_id for row in bench.project.get(Round, run_id=run.id)}
    for one in found["rounds"]:
        assert one["validation"] == told(adapters[one["round"]], "validation")
    assert found["test"] == told(adapters[run.champion_round], "test") and found["rounds"][0]["validation"]["mean"] not in (0, 1)
    bench.project.close()


def test_the_nearest_training_example_shares_the_most_words(bench):
    example = bench.project.get(Example, split="train")[3]
    found = samples.nearest_training_example(bench.project, f"  {example.input.upper()} ")
    assert found["id"] == example.id and found["overlap"] == 1.0
    assert samples.nearest_training_example(bench.project, "")["overlap"] == 0.0


def test_facts_about_examples_count_them_and_hide_the_test_split(bench):
    facts = examples.example_facts(bench.project)
    counted = {split: bench.project.count(Example, split=split) for split in ("train", "validation", "test")}
    assert {split: one["count"] for split, one in facts["splits"].items()} == counted
    train = sorted(len(row.input) for row in bench.project.get(Example, split="train"))
    assert facts["splits"]["train"]["input"]["longest"] == train[-1]
    assert sum(row["train"] for row in facts["outputs"]) == counted["train"]


def test_a_text_in_two_splits_is_reported_and_test_texts_are_not_shown(tmp_path):
    def example(number: int, split: str, text: str) -> Example:
        return Example(id=f"e{number}", split=split, position=number, input=text, output="x")

    words = "the patient came in with a cough that had lasted for nine days and a fever"
    texts = [("train", words), ("validation", words + " too"), ("test", words + " also"),
             ("train", "something else entirely that shares nothing with it"), ("train", words.upper())]  # fmt: skip
    rows = [example(number, split, text) for number, (split, text) in enumerate(texts)]
    with Project.create(tmp_path / "p.duckdb", {}, rows) as project:
        leaks = examples.leak_report(project)
        assert sum(leaks["counts"].values()) == 3 and leaks["counts"]["test and train"] == 2
        assert not any("also" in pair["first"] + pair["second"] for pair in leaks["pairs"])
        assert examples.example_facts(project)["twice"][0]["count"] == 2


def test_many_samples_are_decided_at_once_and_taken_back(tmp_path, monkeypatch):
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(Exception, match="waits"):
        bench.run(RECIPE + "[review]\nsamples = true\n")
    run = bench.project.one(Run)
    accepted = ids(bench, state="accepted", run_id=run.id)
    done = review.decide_all(bench.project, run.id, sorted(accepted), "reject", {"reason": "too plain"})
    assert done == {"changed": len(accepted), "refused": 0, "why": ""} and not ids(bench, state="accepted")
    assert bench.project.count(Decision, action="reject") == len(accepted)
    again = review.decide_all(bench.project, run.id, sorted(accepted), "reject", {})
    assert again["changed"] == 0 and again["refused"] == len(accepted) and "Only an accepted" in again["why"]
    back = review.decide_all(bench.project, run.id, sorted(accepted), "undo", {})
    assert back["changed"] == len(accepted) and ids(bench, state="accepted") == accepted
    with pytest.raises(UsageError):
        review.decide_all(bench.project, run.id, [], "edit", {})
    bench.project.close()
