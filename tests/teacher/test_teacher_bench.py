"""The teacher's benchmark runs to its end on a tiny model and prints every line that its readers look for."""

import subprocess
import sys
from pathlib import Path

import pytest

from pada_local.errors import MissingError
from pada_local.teacher.launch import find_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_quick_benchmark():
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.detail)
    done = subprocess.run(
        [sys.executable, "benchmarks/teacher.py", "--quick", "--threads", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for line in ("naive llama-server", "this project", "of the ceiling", "these figures mean nothing"):
        assert line in done.stdout
    assert "64 tokens, 8 slots" in done.stdout, "eight answers of eight tokens each"
