"""Calls of the command in a process of its own, as a script would make them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = ("-m", "pada_local.cli")
WITH_FAKE_LOOP = ("-m", "tests.host.fake_host", "--cli")


def pada(*words, cwd=ROOT, module=MODULE, **more):
    """The finished process of one command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | more.pop("env", {})
    command = [sys.executable, *module, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, **more)


@pytest.fixture
def models(tmp_path):
    """A student folder and a teacher file that look right; nothing in these tests loads them."""
    student = tmp_path / "student"
    student.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (student / name).write_text("{}")
    (tmp_path / "teacher.gguf").write_bytes(b"GGUF" + b"\0" * 20)
    return ["--student", student, "--teacher", tmp_path / "teacher.gguf"]


@pytest.fixture
def train_file(tmp_path):
    """Forty rows with two labels."""
    path = tmp_path / "train.jsonl"
    rows = [{"question": f"note number {n}", "answer": f"label {n % 2}", "kind": f"k{n % 2}"} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def made(tmp_path, models, train_file):
    """A project file made by the command."""
    path = tmp_path / "p.duckdb"
    done = pada("new", path, "--train", train_file, "--input", "question", "--output", "answer", "--tags", "kind",
                "--metric", "exact_match", "--task", "label it", *models)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def filled(tmp_path):
    """A project with two finished runs (see tests/export)."""
    from pada_local.store.project import Project
    from tests.export.conftest import SETTINGS, example, fill

    with Project.create(tmp_path / "filled.duckdb", SETTINGS, [example("test", n) for n in range(40)]) as project:
        fill(project)
        yield project
