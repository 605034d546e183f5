"""What the commands print when all is well, with the fake loop behind `run`."""

import functools
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

from pada_local.cli import main
from pada_local.errors import ExitCode
from pada_local.recipe import parse
from tests.cli.conftest import ROOT, WITH_FAKE_LOOP, pada


def fake(*words, **more):
    return pada(*words, module=WITH_FAKE_LOOP, **more)


def recipe_file(folder, steps=20):
    path = folder / "r.toml"
    path.write_text(f'name = "fake"\n[train]\nsteps = {steps}\n')
    return path


def test_version_is_quick_and_one_line():
    began = time.monotonic()
    done = pada("--version")
    assert done.returncode == 0 and re.fullmatch(r"pada \S.*\n", done.stdout)
    assert time.monotonic() - began < 1.5, "0.3 s on a quiet machine; this bound only catches a heavy import"
    code = "import sys, pada_local.cli as c; c.main(['--version']); print(len(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "msgspec" not in loaded.stdout and int(loaded.stdout.split()[-1]) < 250


def test_new_splits_and_counts(made):
    done = pada("status", made, "--json")
    facts = json.loads(done.stdout)
    assert facts["examples"] == {"train": 24, "validation": 8, "test": 8} and facts["settings"]["task"] == "label it"
    assert facts["runs"] == [] and not facts["active"]
    assert "Nothing is running" in pada("status", made).stdout


def test_report_of_a_project_without_runs(made):
    assert "pada run" in pada("report", made).stdout
    assert json.loads(pada("report", made, "--format", "json").stdout)["runs"] == []


def test_a_report_is_written_once(made, tmp_path):
    page = tmp_path / "report.html"
    assert pada("report", made, "--format", "html", "--out", str(page)).returncode == 0
    assert "No run yet" in page.read_text()
    again = pada("report", made, "--out", str(page))
    assert again.returncode == 2 and "left as it is" in again.stderr and "No run yet" in page.read_text()


def test_run_tells_stages_on_stderr_and_facts_on_stdout(made, tmp_path):
    done = fake("run", made, "--recipe", recipe_file(tmp_path), "--seed", 7, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "done"
    assert "round 1  train" in done.stderr and "\r" not in done.stderr
    again = fake("run", made, "--recipe", recipe_file(tmp_path), "--seed", 7)
    assert again.returncode == 0 and "done before" in again.stderr


def test_events_are_json_lines(made, tmp_path):
    done = fake("run", made, "--recipe", recipe_file(tmp_path), "--events", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0]["type"] == "RunStarted" and lines[-1]["type"] == "RunDone"


def test_detach_status_pause_and_go_on_without_naming_the_recipe(made, tmp_path):
    slow = {"PADA_FAKE_STEP_SECONDS": "0.05"}
    done = fake("run", made, "--recipe", recipe_file(tmp_path, 300), "--seed", 3, "--detach", env=slow)
    assert done.returncode == 0 and "pada pause" in done.stderr
    assert "Running: fake, seed 3" in pada("status", made).stdout
    second = fake("run", made, "--recipe", recipe_file(tmp_path, 9))
    assert second.returncode == ExitCode.USAGE and "going on" in second.stderr
    assert json.loads(pada("report", made, "--json").stdout)["runs"][0]["state"] == "running"
    done = pada("pause", made, "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"ended": True}
    assert "paused" in pada("status", made).stdout
    assert json.loads(pada("pause", made, "--json").stdout) == {"ended": False}
    done = fake("run", made, env={"PADA_FAKE_STEP_SECONDS": "0"})
    assert done.returncode == 0 and "seed 3" in done.stderr
    runs = json.loads(pada("status", made, "--json").stdout)["runs"]
    assert [(run["seed"], run["state"]) for run in runs] == [(3, "done")]


def test_interrupting_a_run_pauses_it(made, tmp_path):
    command = [sys.executable, *WITH_FAKE_LOOP, "run", str(made), "--recipe", str(recipe_file(tmp_path, 400))]
    environment = os.environ | {"PADA_FAKE_STEP_SECONDS": "0.05", "PYTHONPATH": str(ROOT)}
    # A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    deadline = time.monotonic() + 20
    while not (made.parent / "child.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == ExitCode.STOPPED and "pada run" in said and "Traceback" not in said
    assert json.loads(pada("status", made, "--json").stdout)["runs"][0]["state"] == "paused"


def test_a_missing_model_ends_the_run_with_its_code(made, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('name = "missing"\n')
    done = fake("run", made, "--recipe", path)
    assert done.returncode == ExitCode.MISSING and "Bring it back." in done.stderr


def test_progress_moves_on_a_terminal(made, tmp_path):
    owner, terminal = pty.openpty()
    command = [sys.executable, *WITH_FAKE_LOOP, "run", str(made), "--recipe", str(recipe_file(tmp_path, 60))]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PADA_FAKE_STEP_SECONDS": "0.04"}
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=terminal, stdout=subprocess.DEVNULL)
    os.close(terminal)
    said = b""
    try:
        while chunk := os.read(owner, 4096):
            said += chunk
    except OSError:
        pass  # how a pseudo-terminal says that the other side is gone
    assert running.wait(20) == 0
    assert b"\rround 1 train step" in said and b"s left" in said


def test_recipes_can_be_listed_and_what_is_shown_can_be_used():
    names = {row["name"] for row in json.loads(pada("recipes", "list", "--json").stdout)}
    assert {"vanilla", "pada", "random-strategies", "demo-vanilla", "demo-pada", "demo-random", "demo-quick"} <= names
    for name in sorted(names):
        assert pada("recipes", "check", name).returncode == 0
        assert len((ROOT / "recipes" / f"{name}.toml").read_text().splitlines()) < 40
    shown = pada("recipes", "show", "pada").stdout
    assert parse(shown).id == json.loads(pada("recipes", "show", "pada", "--json").stdout)["id"]
    assert "# Fine-tunings in a run." in shown


def test_models_and_doctor_print_facts():
    rows = json.loads(pada("models", "list", "--json").stdout)
    assert {row["name"] for row in rows} >= {"demo-student", "demo-teacher"}
    done = pada("doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode in (0, 3) and all(finding["state"] == "ok" or finding["fix"] for finding in findings)
    assert {"python", "memory", "gpu", "llama-server"} <= {finding["name"] for finding in findings}


def test_main_takes_words(capsys):
    assert main(["recipes", "check", "vanilla"]) == 0
    assert "sound" in capsys.readouterr().out


def test_a_reader_that_leaves_is_no_error():
    done = subprocess.run(f"{sys.executable} -m pada_local.cli recipes show pada | head -1", shell=True, cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout == 'name = "pada"\n' and done.stderr == ""
