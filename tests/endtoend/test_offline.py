"""A whole run where there is no network at all, with every socket watched: UNIX sockets and nothing else."""

import json
import re
import shutil
import socket
import subprocess
import sys
from functools import reduce
from pathlib import Path

import pytest

from tests.endtoend.conftest import ROOT, own_environment
from tests.faults import crash_help as crash

pytestmark = pytest.mark.slow
SMALLER = {"budget = 6": "budget = 4", "steps = 12": "steps = 8", "max_waves = 2": "max_waves = 1", "items = 3": "items = 2"}
RECIPE = reduce(lambda text, change: text.replace(*change), SMALLER.items(), crash.RECIPE)
HOOK = """
import os, sys

def _watch(event, arguments):
    if event.startswith("socket."):
        made = event == "socket.__new__"  # the socket does not know its family yet
        family = int(arguments[1] if made else getattr(arguments[0], "family", -1))
        line = f"{os.getpid()} {event} family={family} {arguments[1:]!r}\\n"
        with open(os.environ["PADA_TEST_SOCKETS"], "a") as file:
            file.write(line)

sys.addaudithook(_watch)
with open(os.environ["PADA_TEST_SOCKETS"], "a") as file:
    file.write(f"{os.getpid()} started {getattr(sys, 'orig_argv', [])!r}\\n")
"""


def run_without_network(path: Path, recipe: Path, environment: dict[str, str], tracer: list[str], cwd: Path = ROOT) -> list[dict]:
    """`pada run` in a network namespace without interfaces; its events."""
    command = [*tracer, sys.executable, "-m", "pada_local.cli", "run", str(path), "--recipe", str(recipe), "--events", "json"]
    done = subprocess.run(["unshare", "-rn", *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def unshared():
    """Skips where namespaces are not permitted; gives the words for a tracer, or none where strace is missing."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("network namespaces (unshare -rn) are not permitted here")
    try_it = ["unshare", "-rn", "strace", "-f", "--seccomp-bpf", "-e", "trace=network", "-o", "/dev/null", "true"]
    return ["strace", "-f", "--seccomp-bpf", "-e", "trace=network,execve", "-s", "400", "-o"] if (
        shutil.which("strace") and subprocess.run(try_it, capture_output=True).returncode == 0
    ) else []  # fmt: skip


def test_a_whole_run_opens_unix_sockets_only(unshared, tmp_path, short_folder):
    path, recipe = crash.make_project(tmp_path, RECIPE)
    folder = short_folder / "offline"
    folder.mkdir()
    environment, trace = own_environment(folder), tmp_path / "trace"
    if unshared:
        seen = run_without_network(path, recipe, environment, [*unshared, str(trace)])
        check_calls(trace.read_text(errors="replace").splitlines())
    else:
        seen = run_without_network(path, recipe, environment | hooked(tmp_path, trace), [], tmp_path / "copy")
        check_audit(trace.read_text().splitlines())
    assert seen[-1]["type"] == "RunDone" and seen[-1]["test_mean"] is not None
    assert {"train", "evaluate", "analyse", "group", "draft", "audit", "generate", "gate", "select", "test"} <= {
        event.get("stage") for event in seen
    }
    crash.assert_nobody_left(path)
    crash.check_finished(path, crash.dump(path))


def check_calls(lines: list[str]) -> None:
    """Every socket that any process of the run made, connected or bound, by strace's account."""
    started = [line for line in lines if "execve(" in line and "ENOENT" not in line]
    for program in ("pada_local.host", "pada_local.worker", "llama-server"):
        assert any(program in line for line in started), f"{program} was not traced"
    made = [line for line in lines if re.search(r"\b(socket|socketpair)\(", line)]
    assert made and [line for line in made if not re.search(r"\((AF_UNIX|AF_LOCAL)\b", line)] == []
    named = [line for line in lines if "sa_family=" in line]
    assert any("t.sock" in line for line in named) and [line for line in named if "sa_family=AF_UNIX" not in line] == []


def hooked(folder: Path, trace: Path) -> dict[str, str]:
    """A copy of the package beside an audit hook: every Python program of the run imports both."""
    copy = folder / "copy"
    shutil.copytree(ROOT / "pada_local", copy / "pada_local", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("models", "recipes", "pyproject.toml"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "sitecustomize.py").write_text(HOOK)
    return {"PYTHONPATH": str(copy), "PADA_TEST_SOCKETS": str(trace)}


def check_audit(lines: list[str]) -> None:
    """The same by the hooks' account; the server is no Python program and has only the empty namespace around it."""
    started = [line for line in lines if " started " in line]
    for program in ("pada_local.cli", "pada_local.host", "pada_local.worker"):
        assert any(program in line for line in started), f"{program} was not watched"
    calls = [line for line in lines if " started " not in line]
    assert calls and [line for line in calls if f" family={int(socket.AF_UNIX)} " not in line] == []
