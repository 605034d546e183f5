"""The bench's figures against counts made by hand; drawn worlds of another difficulty; the floors, in a slow test."""

import json
import random

import pytest

from pada_local.demo import bench, oracle, world
from pada_local.demo.project import Difficulty, demo_examples
from pada_local.errors import UsageError
from tests.faults import crash_help as crash


def notes(name, count, seed=3):
    rng = random.Random(seed)
    return [world.draw_item(rng, name) for _ in range(count)]


def test_figures_are_those_counted_by_hand():
    weak, plain = notes("negation", 4), notes("plain", 2)
    slices = {f"e{at}": item.slice for at, item in enumerate([*weak, *plain])}
    analyses = [{"id": f"a{at}", "example_id": f"e{at}"} for at in range(6)]
    patterns = [{"number": 1, "members": ["a0", "a1", "a2", "a4"]}, {"number": 2, "members": ["a3", "a5"]}]
    wrong = bench.twin(weak[2].line, "x")
    lines = [weak[0].line, weak[1].line, wrong, plain[0].line, plain[1].line]
    states = ["accepted", "rejected", "accepted", "accepted", "duplicate"]
    candidates = [
        {"id": f"c{at}", "input": item.note, "output": line, "state": state, "selected": state == "accepted"}
        for at, (item, line, state) in enumerate(zip([*weak[:3], *plain], lines, states, strict=True))
    ]
    verdicts = [{"candidate_id": f"c{at}", "criterion": "rederive", "calls": [f"k{at}"]} for at in range(4)]
    answers = {f"k{at}": lines[at] for at in range(4)}
    found = bench.measure(["negation"], slices, analyses, patterns, candidates, verdicts, answers)
    assert (found.failures, found.patterns, found.purity, found.slice_recall) == (6, 2, 4 / 6, 1.0)
    assert (found.selected, found.in_weak_slices, found.right) == (3, 2 / 3, 2 / 3)
    assert (found.judge_precision, found.judge_recall, found.wrong_seen, found.wrong_refused) == (2 / 3, 2 / 3, 1, 0)
    # Right: accepted, refused, accepted. Wrong: one accepted and three twins that the judge's own answers refuse.
    assert found.gate_auc == pytest.approx((2 * (3 + 0.5) + (3 * 0.5 + 0)) / 12)
    assert bench.summarise([found])["right"] == found.right and bench.summarise([])["right"] is None


def test_a_twin_is_wrong_in_one_field():
    for item in notes("correction", 20):
        other = bench.twin(item.line, item.note)
        assert sum(a != b for a, b in zip(item.line.split("; "), other.split("; "), strict=True)) == 1
        assert oracle.label(item.note) == item.line != other
    assert bench.twin("no line", "x") == ""


def test_worlds_can_be_made_harder():
    hard = Difficulty(missing=6, noise=0.1, train=120)
    rows = [row for row in demo_examples(5, hard) if row.split == "train"]
    assert len(rows) == 120 and len({row.tags["slice"] for row in rows}) == 12
    assert sum(oracle.label(row.input) != row.output for row in rows) == pytest.approx(12, abs=1)
    counts = [sum(row.tags["slice"] == name for row in rows) for name in world.draw_gaps(5, 6)]
    assert counts == [1] * 6
    assert all(oracle.label(row.input) == row.output for row in demo_examples(5, hard) if row.split != "train")


@pytest.mark.parametrize("difficulty", [Difficulty(missing=11), Difficulty(noise=1.0), Difficulty(train=3)])
def test_impossible_worlds_are_refused(tmp_path, difficulty):
    from pada_local.demo.project import create_demo

    with pytest.raises(UsageError):
        create_demo(tmp_path, 1, difficulty=difficulty)


@pytest.mark.bench
@pytest.mark.timeout(0)
def test_floors_over_ten_drawn_worlds(tmp_path):
    """Hours on two cores; `make test-bench` keeps its projects, so that it goes on where it was broken off."""
    folder = crash.ROOT / "build" / "bench"
    done = crash.pada("bench", "--to", folder, "--json", timeout=12 * 3600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["recipes"]["pada"]
    assert found["mean"]["worlds"] >= 10
    assert all(floor["held"] for floor in found["floors"].values()), found["floors"]
