"""A small project whose hosts run the fake loop, and hosts that are gone when the test ends."""

import os
import signal
import time
from pathlib import Path

import pytest

from pada_local import session
from pada_local.host import starting
from pada_local.recipe import Recipe, Train
from pada_local.records import Example, content_id

SETTINGS = {"task": "t", "metric": "exact_match", "student": "demo-student", "teacher": "demo-teacher", "judge": "demo-teacher"}


def make_recipe(name: str = "fake", steps: int = 30) -> Recipe:
    return Recipe(name=name, train=Train(steps=steps))


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Path of a project file; every host that a test leaves behind is killed."""
    monkeypatch.setattr(starting, "HOST_MODULE", "tests.host.fake_host")
    monkeypatch.setenv("TMPDIR", str(tmp_path.parent))
    path = tmp_path / "p.duckdb"
    examples = [
        Example(id=content_id(split, n), split=split, position=n, input=f"{split} {n}", output=str(n))
        for split in ("train", "validation", "test")
        for n in range(4)
    ]
    session.create_project(path, SETTINGS, examples)
    yield path
    left = session.Session.attach(path)
    if left is not None:
        with left:
            os.kill(left.ask("ping")["pid"], signal.SIGKILL)
