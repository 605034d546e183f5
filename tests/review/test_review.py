"""A person's decisions on a real project file: what they change, what is refused, undo, and a run that waits for them."""

import msgspec
import pytest

from pada_local import review
from pada_local.errors import Interrupted, UsageError
from pada_local.events import NeedsReview
from pada_local.records import Candidate, Decision, Example, Run, Strategy
from tests.loop.test_loop import RECIPE, Bench

WAITING = RECIPE + "[review]\nstrategies = true\nsamples = true\n"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.project.close()


class Person:
    """Decides about the bench's run."""

    def __init__(self, bench: Bench) -> None:
        self.project = bench.project
        self.run_id = bench.project.one(Run).id

    def does(self, row_or_subject, action: str, **words: str):
        subject = getattr(row_or_subject, "id", row_or_subject)
        return review.decide(self.project, self.run_id, subject, action, words)

    def confirms(self, what: str, number: int):
        return self.does(review.round_id(what, number), "confirm")


def until_review(bench: Bench) -> NeedsReview:
    with pytest.raises(Interrupted, match="waits for your review"):
        bench.run(WAITING)
    return next(event for event in reversed(bench.events) if isinstance(event, NeedsReview))


@pytest.fixture
def at_strategies(bench):
    until_review(bench)
    return Person(bench)


@pytest.fixture
def at_samples(bench, at_strategies):
    at_strategies.confirms("strategies", 1)
    until_review(bench)
    return at_strategies


def test_a_run_that_requires_review_waits_twice_a_round_and_then_ends(bench):
    first = until_review(bench)
    assert (first.what, first.round) == ("strategies", 1) and first.waiting > 0
    assert not bench.all(Candidate)
    person = Person(bench)
    person.confirms("strategies", 1)
    second = until_review(bench)
    assert (second.what, second.round) == ("samples", 1)
    assert second.waiting == bench.project.count(Candidate, state="accepted") > 0
    assert not bench.project.count(Candidate, selected=True)
    assert until_review(bench) == second  # running again without a decision changes nothing
    person.confirms("samples", 1)
    assert bench.run(WAITING) == "done"


def test_a_rewritten_strategy_is_what_the_teacher_gets(bench, at_strategies):
    first, *_ = bench.all(Strategy)
    at_strategies.does(first, "rewrite", text="Write calm items of kind4, as a nurse would.")
    at_strategies.confirms("strategies", 1)
    until_review(bench)
    asked = [ask.prompt for ask in bench.teacher.asks if ask.purpose == "generate"]
    assert any("as a nurse would" in prompt for prompt in asked)
    assert not any(first.drafted in prompt for prompt in asked)
    kept = bench.project.one(Strategy, id=first.id)
    assert kept.drafted == first.drafted


def test_quotas_exclusion_and_merging_decide_how_many_are_written(bench, at_strategies):
    first, second = bench.all(Strategy)
    at_strategies.does(first, "merge", into=second.id)
    merged = bench.project.one(Strategy, id=second.id)
    assert merged.quota == first.quota + second.quota
    at_strategies.does(second, "quota", count="5")
    at_strategies.confirms("strategies", 1)
    until_review(bench)
    origin = {row.strategy_id for row in bench.all(Candidate)}
    assert first.id not in origin and second.id in origin
    assert bench.project.count(Candidate, strategy_id=second.id, state="accepted") >= 5


def test_a_rejected_sample_never_teaches_and_an_edited_one_teaches_as_edited(bench, at_samples):
    out, changed, *_ = bench.all(Candidate, state="accepted")
    at_samples.does(out, "reject", reason="sounds wrong")
    at_samples.does(changed, "edit", input="a quite new text about kind4 and more", output="out4")
    at_samples.confirms("samples", 1)
    bench.run(WAITING)
    rejected = bench.project.one(Candidate, id=out.id)
    assert (rejected.state, rejected.selected) == ("rejected", False) and "sounds wrong" in rejected.reason
    edited = bench.project.one(Candidate, id=changed.id)
    assert edited.selected and edited.input == "a quite new text about kind4 and more"


def test_what_a_person_rejects_before_confirming_is_written_again(bench, at_samples):
    before = bench.all(Candidate, state="accepted")
    for row in before[:6]:
        at_samples.does(row, "reject", reason="no")
    until_review(bench)
    assert bench.project.count(Candidate, state="accepted") > len(before) - 6


def test_undo_goes_back_one_decision_at_a_time(bench, at_samples):
    row = bench.all(Candidate, state="accepted")[0]
    at_samples.does(row, "edit", input="one new text about kind5 here", output="out5")
    at_samples.does(row, "reject")
    assert at_samples.does(row, "undo")["state"] == "accepted"
    assert at_samples.does(row, "undo")["input"] == row.input
    assert bench.project.one(Candidate, id=row.id) == row
    with pytest.raises(UsageError, match="no decision"):
        at_samples.does(row, "undo")
    assert [one.action for one in bench.all(Decision)][-4:] == ["edit", "reject", "undo", "undo"]


def test_undoing_a_merge_needs_the_later_decision_undone_first(bench, at_strategies):
    first, second = bench.all(Strategy)
    at_strategies.does(first, "merge", into=second.id)
    at_strategies.does(second, "quota", count="1")
    with pytest.raises(UsageError, match="decided about again"):
        at_strategies.does(first, "undo")
    at_strategies.does(second, "undo")
    at_strategies.does(first, "undo")
    assert bench.all(Strategy) == [first, second]


REFUSED_SAMPLES = [
    ("edit", {"input": " "}, "needs an input"),
    ("dance", {}, "cannot be done"),
    ("rewrite", {"text": "x"}, "cannot be done"),
    ("accept", {}, None),
]


@pytest.mark.parametrize(("action", "words", "refused"), REFUSED_SAMPLES)
def test_what_makes_no_sense_is_a_sentence_and_changes_nothing(bench, at_samples, action, words, refused):
    row = bench.all(Candidate, state="accepted")[0]
    decisions = bench.project.count(Decision)
    if refused is None:
        assert at_samples.does(row, action)["state"] == "accepted"
        return
    with pytest.raises(UsageError, match=refused):
        at_samples.does(row, action, **words)
    assert bench.project.one(Candidate, id=row.id) == row and bench.project.count(Decision) == decisions


@pytest.mark.parametrize("split", ["validation", "test"])
def test_an_edit_cannot_bring_in_validation_or_test_text(bench, at_samples, split):
    row = bench.all(Candidate, state="accepted")[0]
    protected = bench.project.one(Example, split=split).input
    with pytest.raises(UsageError, match="cannot be used"):
        at_samples.does(row, "edit", input=protected)


@pytest.mark.parametrize("count", ["-1", "many", "1e3", ""])
def test_a_quota_is_a_whole_number(bench, at_strategies, count):
    with pytest.raises(UsageError, match="whole number"):
        at_strategies.does(bench.all(Strategy)[0], "quota", count=count)


def test_a_strategy_cannot_quote_a_validation_example_or_be_merged_into_itself(bench, at_strategies):
    first = bench.all(Strategy)[0]
    text = bench.project.one(Example, split="validation").input
    with pytest.raises(UsageError, match="cannot be used"):
        at_strategies.does(first, "rewrite", text=f"Write items like: {text}")
    with pytest.raises(UsageError, match="another usable strategy"):
        at_strategies.does(first, "merge", into=first.id)


def test_after_the_fact_it_is_too_late(bench, at_samples):
    strategy, row = bench.all(Strategy)[0], bench.all(Candidate, state="accepted")[0]
    with pytest.raises(UsageError, match="too late"):
        at_samples.does(strategy, "rewrite", text="other")
    at_samples.confirms("samples", 1)
    bench.run(WAITING)
    with pytest.raises(UsageError, match="too late"):
        at_samples.does(row, "reject")
    for unknown in ("nobody", "samples of round 7"):
        with pytest.raises(UsageError, match="in this run"):
            at_samples.does(unknown, "confirm")


def test_a_leaked_sample_stays_out(bench, at_samples):
    row = bench.all(Candidate, state="accepted")[0]
    bench.project.replace(msgspec.structs.replace(row, state="leaked", reason="It repeats a test example."))
    with pytest.raises(UsageError, match="leaked"):
        at_samples.does(row, "accept")


def test_the_queue_lists_what_waits_with_its_pattern(bench, at_strategies):
    queue = review.queue(bench.project, at_strategies.run_id)
    assert (queue["what"], queue["confirmed"]) == ("strategies", False)
    assert {row["pattern"] for row in queue["waiting"]} == {"kind4", "kind5"}
    at_strategies.confirms("strategies", 1)
    until_review(bench)
    queue = review.queue(bench.project, at_strategies.run_id)
    assert queue["what"] == "samples" and all(row["state"] == "accepted" for row in queue["waiting"])


def test_a_recipe_without_review_never_waits(bench):
    assert bench.run() == "done" and not any(isinstance(event, NeedsReview) for event in bench.events)


def test_enough_ends_the_writing_though_samples_are_missing(bench, at_samples):
    accepted = bench.all(Candidate, state="accepted")
    for row in accepted[:3]:
        at_samples.does(row, "reject", reason="no")
    at_samples.does(review.round_id("samples", 1), "enough")
    waves = {row.wave for row in bench.all(Candidate)}
    until_review(bench)
    assert {row.wave for row in bench.all(Candidate)} == waves
    assert bench.project.count(Candidate, state="accepted") == len(accepted) - 3
    with pytest.raises(UsageError, match="There are no"):
        at_samples.does(review.round_id("strategies", 1), "enough")
