"""A foreign task and a foreign student with the demo's teacher: of no use to each other, so nothing may be claimed.

banking77 has 77 intents; the student is a 260,000-parameter story teller; the teacher has never seen a bank.
"""

import csv
import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import crash_help as crash

pytestmark = pytest.mark.slow
SIZES = {"train": 150, "validation": 80, "test": 80}
RECIPE = """
name = "bank"
[loop]
rounds = 2
min_failures = 1
[train]
steps = 20
learning_rate = 2e-3
tokens_per_step = 512
[evaluate]
max_new_tokens = 12
[generate]
budget = 8
max_waves = 2
[gate]
audit_items = 5
[teacher]
analysis_tokens = 80
item_tokens = 60
"""


@pytest.fixture
def bank(shared_folder: Path, shared_weights: Path, tmp_path: Path):
    """Project file and recipe, made by `pada new` from JSONL files of 150, 80 and 80 rows."""
    source, student = shared_folder / "data" / "banking77" / "train.csv", shared_weights / "stories260K" / "hf"
    if not source.is_file() or not student.is_dir():
        pytest.skip("../shared has no banking77 or no stories260K")
    with open(source, encoding="utf-8", newline="") as file:
        # The same question stands under two intents now and then; `pada new` is right to refuse that across files.
        rows = list({row["text"].strip().casefold(): row for row in csv.DictReader(file)}.values())
    random.Random(77).shuffle(rows)
    words, start = [], 0
    for split, size in SIZES.items():
        path = tmp_path / f"{split}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows[start : start + size])))
        words, start = [*words, f"--{split}", path], start + size
    made, recipe = tmp_path / "bank.duckdb", tmp_path / "bank.toml"
    recipe.write_text(RECIPE)
    done = crash.pada("new", made, *words, "--input", "text", "--output", "category", "--metric", "exact_match", "--task",
                      "Name the intent of a bank customer's question.", "--student", student)  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield made, recipe
    for pid in crash.family(made):
        crash.kill(pid)


def test_banking_is_refused_with_reasons_and_resumes(bank):
    path, recipe = bank
    paused = interrupted(path, recipe, lambda event: event["type"] == "TrainStep", pause)
    killed = interrupted(path, recipe, lambda event: event.get("stage") == "analyse" and event.get("done"), host_killed)
    crash.check_kept(paused, killed)
    seen: list[dict] = []
    after = crash.finish(path, recipe, 1, seen)
    crash.check_kept(killed, after)
    told = json.loads(crash.pada("report", path, "--json").stdout)
    (run,) = told["runs"]
    assert {split: told["project"]["examples"][split] for split in SIZES} == SIZES and run["test"]["n"] == SIZES["test"]
    first = run["rounds"][0]
    assert first["train"]["steps"] == 20 and first["validation"]["n"] == 80
    assert first["validation_failures"] == round(80 * (1 - first["validation"]["mean"])) > 0
    assert run["test"]["mean"] <= 0.2, "a story teller has not learned 77 intents in 20 steps"
    no_made_up_success(after, run)


def interrupted(path, recipe, when, how) -> crash.Tables:
    """Run until an event, break the run off there; what is in the file then."""
    with crash.Followed(path, recipe, 1) as run:
        for event in run.events():
            if when(event):
                how(path)
                break
        list(run.events())
        assert run.ended()[0] == 4
    crash.assert_nobody_left(path)
    tables = crash.dump(path)
    crash.check_whole(tables)
    crash.check_said(run.seen, tables)
    return tables


def pause(path):
    done = crash.pada("pause", path, "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"ended": True}


def host_killed(path):
    os.kill(crash.member(path, "pada_local.host"), 9)


def no_made_up_success(tables: crash.Tables, run: dict) -> None:
    """Accepted is only what every check passed and what somebody who can tell right from wrong vouched for."""
    verdicts: dict[str, list[dict]] = {}
    for row in tables["verdicts"].values():
        verdicts.setdefault(row["candidate_id"], []).append(row)
    trusted = {row["kind"]: row["used"] for row in tables["judge_audits"].values()}
    states = Counter(row["state"] for row in tables["candidates"].values())
    print(f"banking77: {dict(states)}, test {run['test']['mean']}, audits {run['judge_audits']}, reason {run['reason']!r}")
    for key, row in tables["candidates"].items():
        if row["state"] == "accepted":
            assert all(verdict["passed"] for verdict in verdicts[key])
            own = next(verdict for verdict in verdicts[key] if verdict["criterion"] == "rederive")
            assert trusted["scores"] or own["value"] == 1.0, (row, verdicts[key])
        else:
            assert row["reason"]
    if not states["accepted"]:
        assert "No new sample" in run["reason"] and len(run["rounds"]) == 1
