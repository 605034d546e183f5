"""What goes wrong around an export ends in a sentence and an exit code, and never in something that only looks done."""

import os
import shutil
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from pada_local.cli.call import call
from pada_local.records import Run
from tests.cli.conftest import ROOT, pada

FOLDERS = ("adapter", "merged", "gguf", "ollama", "openai", "dataset", "report")


def target(folder, kind):
    return folder / ("out.duckdb" if kind == "project" else "out")


@pytest.fixture(scope="module")
def on_its_own_disk():
    """Runs one export into a file system of its own, mounted with these options; the process and what was left there."""
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True)
    if tried.returncode:
        pytest.skip("a file system of a test's own cannot be mounted here")

    def run(project, folder, kind, mounted):
        folder.mkdir()
        script = 'mount -t tmpfs -o "$1" tmpfs "$2"; shift; shift; "$@"; code=$?; ls -A "$0"; exit $code'
        words = [sys.executable, "-m", "pada_local.cli", "export", project, "--kind", kind, "--to", target(folder, kind)]
        command = ["unshare", "-rm", "bash", "-c", script, folder, mounted, folder, *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300)

    return run


@pytest.mark.parametrize(
    ("kind", "size"), [("adapter", "40k"), ("merged", "2m"), ("dataset", "8k"), ("report", "8k"), ("project", "1m")]
)
def test_a_full_disk(tuned, tmp_path, kind, size, on_its_own_disk):
    done = on_its_own_disk(tuned, tmp_path / "small", kind, f"size={size}")
    assert (done.returncode, done.stdout) == (5, ""), done.stderr
    assert "The disk is full." in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["adapter", "merged", "project"])
def test_a_place_that_can_only_be_read(tuned, tmp_path, kind, on_its_own_disk):
    done = on_its_own_disk(tuned, tmp_path / "only-read", kind, "ro")
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert "Read-only file system" in done.stderr and "--to" in done.stderr and "Traceback" not in done.stderr


def test_too_little_memory(tuned, tmp_path):
    """The worker's process has an address space in which PyTorch does not find room for a model."""
    words = [sys.executable, "-m", "pada_local.cli", "export", str(tuned), "--kind", "merged", "--to", str(tmp_path / "out")]
    command = ["bash", "-c", 'ulimit -v 1000000; "$@"', "bash", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300)
    assert done.returncode == 5 and "Traceback" not in done.stderr, done.stderr
    assert "emory" in done.stderr and "NAME" not in done.stderr
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("kind", ["merged", "project"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_in_the_middle(tuned, tmp_path, kind, number):
    folder = tmp_path / "place"
    folder.mkdir()
    words = ["export", tuned, "--kind", kind, "--to", target(folder, kind)]
    command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    while not list(folder.iterdir()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    left = [path.name for path in folder.iterdir()]
    assert b"Traceback" not in said
    if number == signal.SIGTERM:
        assert (process.returncode, left) == (4, []), said
    else:
        assert process.returncode == -signal.SIGKILL and all(name.startswith(".") for name in left)
    done = pada(*words)
    assert done.returncode == 0, done.stderr
    assert target(folder, kind).exists()


@pytest.mark.parametrize("kind", [*FOLDERS[:-1], "serve"])
def test_a_run_that_is_not_finished(tuned, tmp_path, kind, capsys):
    from pada_local.store.project import Project

    with Project.open(tuned) as project:
        [run] = project.get(Run)
        project.put(msgspec.structs.replace(run, id="unfinished", recipe="other", champion_round=0, state="paused"))
    words = (
        ["serve", tuned, "other"]
        if kind == "serve"
        else ["export", tuned, "--kind", kind, "--run", "other", "--to", tmp_path / "o"]
    )
    assert call(list(map(str, words))) == 3
    assert "no champion yet" in capsys.readouterr().err and not list(tmp_path.glob("*o.*"))


def test_a_copy_without_examples_holds_no_adapter_and_no_data_set(tuned, tmp_path, capsys):
    copy = tmp_path / "copy.duckdb"
    assert call(["export", str(tuned), "--kind", "project", "--to", str(copy)]) == 0
    for words in (["export", "--kind", "adapter"], ["export", "--kind", "gguf"], ["export", "--kind", "dataset"], ["serve"]):
        more = ["--to", str(tmp_path / "o")] if words[0] == "export" else []
        assert call([words[0], str(copy), *words[1:], *more]) == 3
        assert "from the project itself" in capsys.readouterr().err and not (tmp_path / "o").exists()
    assert call(["export", str(copy), "--kind", "report", "--to", str(tmp_path / "o")]) == 0


@pytest.mark.parametrize("kind", [*FOLDERS, "project"])
def test_what_is_there_is_left_as_it_is(tuned, tmp_path, kind, capsys):
    to = target(tmp_path, kind)
    to.write_text("mine")
    assert call(["export", str(tuned), "--kind", kind, "--to", str(to)]) == 2
    assert to.read_text() == "mine" and str(to) in capsys.readouterr().err


@pytest.fixture
def damaged(monkeypatch):
    """Between writing and checking, something outside changes one matrix of the merged weights."""
    from safetensors.torch import load_file, save_file

    from pada_local.student.client import StudentClient
    from pada_local.student.protocol import Merge

    real = StudentClient.export

    def export(client, job):
        facts = real(client, job)
        if isinstance(job, Merge):
            file = f"{job.to}/model.safetensors"
            weights = load_file(file)
            name = next(name for name in sorted(weights) if name.endswith("down_proj.weight"))
            save_file(weights | {name: -weights[name]}, file, {"format": "pt"})
        return facts

    monkeypatch.setattr(StudentClient, "export", export)


@pytest.mark.parametrize(("kind", "types"), [("merged", "f16"), ("gguf", "f16,q8_0")])
def test_a_damaged_artifact_is_kept_and_says_that_it_differs(tuned, tmp_path, damaged, kind, types, capsys):
    if kind == "gguf":
        from pada_local.errors import MissingError
        from pada_local.runtime.converters import find_converters

        try:
            find_converters()
        except MissingError as error:
            pytest.skip(error.title)
    to = tmp_path / "out"
    assert call(["export", str(tuned), "--kind", kind, "--type", types, "--to", str(to)]) == 5
    said = capsys.readouterr()
    assert "differs" in said.out and "It differs from the student" in said.err
    report = msgspec.json.decode((to / "parity.json").read_bytes())
    first, text = report["files"][0], (to / "parity.txt").read_text()
    assert report["verdict"] == first["verdict"] == "differs" and first["prompts_agreed"] < first["prompts_needed"]
    difference = first["first_difference"]
    assert difference["student"] != difference["exported"] and difference["example"]
    assert "first difference" in text and repr(difference["student"])[1:40] in text
    assert any(file.suffix in (".safetensors", ".gguf") for file in to.iterdir())
    card = (to / "README.md").read_text()
    assert "differs" in card and difference["student"] not in card
    shutil.rmtree(to)
