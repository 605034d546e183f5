"""What a finished `pada demo --quick` must have left: a report that says what the rows say, one file, and nothing else."""

import hashlib
import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from pada_local import records as r
from pada_local.data.leakage import LeakGuard
from tests.endtoend.conftest import ROOT
from tests.faults import crash_help as crash

pytestmark = pytest.mark.slow
STATES = ("accepted", "rejected", "duplicate", "leaked", "unparsable")
RUN_KEYS = {"id", "recipe", "seed", "state", "judge_independent", "test_looks", "teacher", "test", "rounds"}
ROUND_KEYS = {"round", "train", "validation", "patterns", "generated", "accepted", "selected", *STATES}
CHECKS = {"schema", "format", "leak", "duplicate", "judge", "rederive"}
GUARDED = ("generate", "near_error", "regenerate", "judge", "solve", "summarise", "draft", "invent")


def test_the_report_has_the_keys_of_the_contract(demo):
    assert {"runs", "comparisons"} <= demo.report.keys()
    (run,) = demo.report["runs"]
    assert run.keys() >= RUN_KEYS and run["teacher"].keys() >= {"calls", "tokens", "seconds"}
    assert run["test"].keys() >= {"metric", "n", "mean", "low", "high", "by_slice"}
    assert (run["state"], run["recipe"], run["seed"], run["test_looks"]) == ("done", "demo-quick", 1, 1)
    assert run["test"]["low"] <= run["test"]["mean"] <= run["test"]["high"] and len(run["test"]["by_slice"]) >= 8
    assert run["teacher"]["calls"] > 0 and run["teacher"]["tokens"] > 0
    for row in run["rounds"]:
        assert row.keys() >= ROUND_KEYS and row["train"].keys() >= {"examples", "seconds"}
        assert row["validation"].keys() >= {"mean", "low", "high", "n"}
    first = run["rounds"][0]
    assert first["generated"] > 0 and first["patterns"] and all(one["name"] and one["failures"] for one in first["patterns"])


def test_states_add_up(demo, project):
    rows = project.get(r.Candidate)
    assert rows and {row.state for row in rows} <= set(STATES)
    assert all(row.reason for row in rows if row.state != "accepted")
    assert all(row.state == "accepted" for row in rows if row.selected)
    for told in demo.report["runs"][0]["rounds"]:
        here = Counter(row.state for row in rows if row.round == told["round"])
        assert {state: told[state] for state in STATES} == {state: here[state] for state in STATES}
        assert told["generated"] == here.total() == sum(told[state] for state in STATES)
        assert told["selected"] == sum(row.selected for row in rows if row.round == told["round"])
    gates = [row for row in project.get(r.Stage) if row.name == "gate"]
    written = sum(row.counts["generated"] for row in project.get(r.Stage) if row.name == "generate")
    unparsable = sum(row.state == "unparsable" for row in rows)
    assert sum(sum(row.counts.values()) for row in gates) + unparsable == written == len(rows)


def test_what_was_accepted_passed_every_check(project):
    trusted = {row.kind: row.used for row in project.get(r.JudgeAudit)}
    verdicts: dict[str, list[r.Verdict]] = {}
    for row in project.get(r.Verdict):
        verdicts.setdefault(row.candidate_id, []).append(row)
    for row in project.get(r.Candidate, state="accepted"):
        assert all(verdict.passed for verdict in verdicts[row.id])
        assert {verdict.criterion for verdict in verdicts[row.id]} >= CHECKS
        own = next(verdict for verdict in verdicts[row.id] if verdict.criterion == "rederive")
        assert own.value == 1.0 or not trusted["rederive"]
    for row in project.get(r.Candidate, state=["rejected", "duplicate", "leaked"]):
        assert row.reason in [verdict.reason for verdict in verdicts[row.id] if not verdict.passed]


def test_every_selected_sample_is_traced_to_pattern_strategy_seeds_and_failures(project):
    """The first query of docs/queries.md, for each selected sample in turn."""
    text = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    query = re.search(r"## Where does this.*?```sql\n(.+?);\n```", text, re.DOTALL)[1]
    asked, changed = re.subn(r"\(SELECT id FROM candidates WHERE selected .*?LIMIT 1\)", "?", query)
    assert changed == 1
    selected = project.get(r.Candidate, selected=True)
    assert selected
    split = {row.id: row.split for row in project.get(r.Example)}
    for row in selected:
        ((_, given, output, state, pattern, strategy, seeds, failures),) = project.sql(asked, [row.id])
        assert (given, output, state) == (row.input, row.output, "accepted")
        assert {split[seed] for seed in row.seed_examples} == {"train"} and len(seeds) == len(row.seed_examples)
        if row.origin == "strategy":
            assert pattern and strategy and failures
            assert all(failure["expected"] != failure["answered"] and failure["why"] for failure in failures)
        else:
            assert row.origin == "train_error" and not row.strategy_id


def test_predictions_are_scored_and_the_report_gives_those_scores(demo, project):
    scores = {row.prediction_id: row.value for row in project.get(r.ScoreRow)}
    predictions, examples = project.get(r.Prediction), {row.id: row for row in project.get(r.Example)}
    assert set(scores) == {row.id for row in predictions}
    for row in predictions:
        assert scores[row.id] == float(row.text.strip() == examples[row.example_id].output)
    (run,) = demo.report["runs"]
    rounds = {row.number: row for row in project.get(r.Round)}

    def mean(adapter: str, split: str) -> float:
        values = [scores[row.id] for row in predictions if row.adapter_id == adapter and examples[row.example_id].split == split]
        assert len(values) == sum(row.split == split for row in examples.values())
        return sum(values) / len(values)

    for told in run["rounds"]:
        assert told["validation"]["mean"] == pytest.approx(mean(rounds[told["round"]].adapter_id, "validation"), abs=1e-4)
    champion = rounds[run["champion_round"]]
    assert champion.validation_mean == max(row.validation_mean for row in rounds.values())
    assert run["test"]["mean"] == pytest.approx(mean(champion.adapter_id, "test"), abs=1e-4)
    tested = {row.adapter_id for row in predictions if examples[row.example_id].split == "test"}
    assert tested == {champion.adapter_id}, "only the champion has seen the test set"


def test_no_prompt_that_writes_or_judges_gives_a_protected_text_away(project):
    protected = [row.input for row in project.get(r.Example, split=["validation", "test"])]
    training = [row.input for row in project.get(r.Example, split="train")]
    guard = LeakGuard(protected, training)
    prompts = {row.id: row.text for row in project.get(r.Prompt)}
    calls = project.get(r.TeacherCall, purpose=list(GUARDED))
    assert {"generate", "judge", "solve", "summarise", "draft"} <= {call.purpose for call in calls}
    assert [(call.purpose, prompts[call.prompt_id]) for call in calls if guard.refuses_within(prompts[call.prompt_id])] == []
    assert [row.input for row in project.get(r.Candidate, selected=True) if guard.refuses(row.input)] == []


def test_one_file_is_left(demo):
    assert [file.name for file in demo.path.parent.iterdir()] == [demo.path.name]
    runtime = Path(demo.environment["XDG_RUNTIME_DIR"])
    assert [str(file) for file in runtime.rglob("*") if not file.is_dir()] == []
    assert list(Path(demo.environment["TMPDIR"]).rglob("*")) in ([], [Path(demo.environment["TMPDIR"]) / f"pada-{os.getuid()}"])
    assert crash.private_folders(demo.path) == [] and crash.family(demo.path) == {}
    assert demo.path.stat().st_mode & 0o777 == 0o600
    assert hashlib.sha256(demo.path.read_bytes()).hexdigest() == demo.sha256, "reading has changed the file"


def test_again_is_quick_and_changes_nothing_but_the_events(demo):
    before = crash.dump(demo.path)
    began = time.monotonic()
    done = demo.pada("demo", "--quick", "--json", "--to", demo.path.parent)
    took = time.monotonic() - began
    assert done.returncode == 0 and "done before" in done.stderr and json.loads(done.stdout) == demo.report
    crash.assert_nobody_left(demo.path)
    after = crash.dump(demo.path)
    crash.check_kept(before, after)
    assert {name: rows for name, rows in after.items() if name != "events"} == {
        name: rows for name, rows in before.items() if name != "events"
    }
    assert took < 20, f"the second time took {took:.0f} s"


def test_the_exported_adapter_is_the_stored_one(demo, tmp_path):
    done = demo.pada("export", demo.path, "--kind", "adapter", "--to", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    crash_rows = crash.dump(demo.path)
    run, champion = demo.report["runs"][0]["id"], demo.report["runs"][0]["champion_round"]
    row = crash_rows["adapters"][crash_rows["rounds"][f"{run} {champion}"]["adapter_id"]]
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "out").iterdir()}
    assert set(files) >= {"adapter_config.json", "adapter_model.safetensors"}
    assert {name: files[name] for name in row["sha256"] if name != "README.md"} == {
        name: digest for name, digest in row["sha256"].items() if name != "README.md"
    }
    again = demo.pada("export", demo.path, "--kind", "adapter", "--to", tmp_path / "out")
    assert again.returncode == 2 and "not an empty folder" in again.stderr


def test_short_commands_on_the_finished_file(demo):
    status = demo.pada("status", demo.path)
    assert status.returncode == 0 and "Nothing is running." in status.stdout and "done" in status.stdout
    text = demo.pada("report", demo.path)
    assert text.returncode == 0 and demo.report["runs"][0]["rounds"][0]["patterns"][0]["name"] in text.stdout
    assert json.loads(demo.pada("report", demo.path, "--format", "json").stdout) == demo.report
    run = demo.report["runs"][0]["id"]
    compared = demo.pada("compare", demo.path, run[:8], "demo-quick")
    assert compared.returncode == 2 and "with itself" in compared.stderr
    assert demo.pada("compare", demo.path, run, "nothing").returncode == 2
    for command in ("pause", "stop"):
        assert demo.pada(command, demo.path).returncode == 0
