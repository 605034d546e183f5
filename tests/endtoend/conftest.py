"""One `pada demo --quick` for all tests of this folder, in folders of its own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import crash_help as crash

ROOT = Path(__file__).resolve().parents[2]


class Demo(NamedTuple):
    """A finished demo: its file, the environment of its commands, its report and what it said."""

    path: Path
    environment: dict[str, str]
    report: dict
    said: str
    sha256: str

    def pada(self, *words, timeout: float = 120) -> subprocess.CompletedProcess:
        """One command in the demo's environment."""
        command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout)


def own_environment(folder: Path) -> dict[str, str]:
    """This environment with the person's folders replaced by empty ones: sockets, models and caches are the test's own."""
    named = {"XDG_DATA_HOME": folder / "d", "XDG_RUNTIME_DIR": folder / "r", "HF_HOME": folder / "h", "TMPDIR": folder / "t"}
    for inside in named.values():
        inside.mkdir(mode=0o700, exist_ok=True)
    return os.environ | {name: str(inside) for name, inside in named.items()} | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def short_folder():
    """A folder with a short path: a UNIX socket's must stay below 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="pe", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(short_folder) -> Demo:
    """The command that the README names first, as a person types it."""
    environment = own_environment(short_folder)
    command = [sys.executable, "-m", "pada_local.cli", "demo", "--quick", "--json", "--to", str(short_folder / "demo")]
    done = subprocess.run(command, cwd=short_folder, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    path = short_folder / "demo" / "demo-1-quick.duckdb"
    crash.assert_nobody_left(path)
    return Demo(path, environment, json.loads(done.stdout), done.stderr, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def project(demo):
    """The demo's file, opened to be read only."""
    from pada_local.store.project import Project

    with Project.open(demo.path, read_only=True) as opened:
        yield opened
