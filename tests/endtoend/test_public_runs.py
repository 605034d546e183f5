"""Every data set of docs/data.md through the whole loop: the documented command, a short run, the report in three forms.

The student is a 260,000-parameter story teller where its 512 tokens hold the answers, else the demo's; the teacher is the
demo's. Nothing is to be learned, everything must add up.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import crash_help as crash
from tests.intake.test_public_sets import COMMANDS, EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
name = "short"
[loop]
rounds = 2
min_failures = 1
[train]
steps = 20
learning_rate = 2e-3
tokens_per_step = 512
max_length = 2048
[evaluate]
max_new_tokens = 24
[generate]
budget = 8
max_waves = 1
[gate]
audit_items = 5
regenerations = 0
[teacher]
analysis_tokens = 80
item_tokens = 60
"""

LONG = ("gsm8k", "pubmedqa")
"""Sets with answers or contexts that the small foreign student has no room for."""

pytestmark = pytest.mark.sets


@pytest.fixture
def made(request, shared_folder, shared_weights, tmp_path):
    """The project file of one data set, made by its documented command."""
    name = request.param
    student = "demo-student" if name in LONG else shared_weights / "stories260K" / "hf"
    (tmp_path / "data").symlink_to(shared_folder / "data")
    command = f'pada() {{ "{sys.executable}" -m pada_local.cli "$@"; }}\n{COMMANDS[name]} --student {student} --truncate --json'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (tmp_path / "short.toml").write_text(RECIPE)
    path = tmp_path / f"{name}.duckdb"
    yield name, path, json.loads(done.stdout)
    for pid in crash.family(path):
        crash.kill(pid)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("made", EXAMPLES, indirect=True)
def test_from_published_files_to_the_report(made, tmp_path):
    name, path, facts = made
    done = crash.pada("run", path, "--recipe", tmp_path / "short.toml", timeout=1100)
    assert done.returncode == 0, done.stderr
    crash.assert_nobody_left(path)
    told = json.loads(crash.pada("report", path, "--json").stdout)
    (run,) = told["runs"]
    assert run["state"] == "done" and run["test"]["n"] == facts["examples"]["test"]
    for one in run["rounds"]:
        assert one["train"]["steps"] == 20 and one["validation"]["n"] == facts["examples"]["validation"]
        assert 0 <= one["validation"]["low"] <= one["validation"]["mean"] <= one["validation"]["high"] <= 1
    tables = crash.dump(path)
    crash.check_whole(tables)
    assert len(tables["predictions"]) >= facts["examples"]["validation"] + facts["examples"]["test"]
    if "--tags" in COMMANDS[name]:
        assert run["test"]["by_slice"]
    page = tmp_path / "report.html"
    assert crash.pada("report", path, "--format", "html", "--out", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text and not any(word in text for word in ("src=", "href=", "https://"))
    print(f"{name}: validation {[one['validation']['mean'] for one in run['rounds']]}, test {run['test']['mean']}")
