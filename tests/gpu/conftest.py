"""Runs where an NVIDIA card answers (`make test-gpu`); elsewhere these tests are skipped and say so.

Models have random weights and real shapes: speed and memory do not depend on the values.
"""

import importlib.util
import sys
from pathlib import Path

import pytest

from pada_local.runtime import memory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
BUILT = ROOT / "build" / "bench"


def why_not() -> str:
    if not memory.gpus():
        return "no NVIDIA card answers here; on a machine with one: make test-gpu"
    missing = [name for name in ("unsloth", "bitsandbytes") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)}; EXTRAS=dev,gpu make install" if missing else ""


def pytest_collection_modifyitems(items):
    reason = why_not()
    for item in items:
        if "tests/gpu/" in item.path.as_posix() and "needs_no_card" not in item.keywords:
            item.add_marker(pytest.mark.gpu)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def student():
    import random_models

    return random_models.student(BUILT / "student-1b")


@pytest.fixture(scope="session")
def teacher():
    import random_models

    return random_models.teacher(BUILT / "teacher-8b-q4_0.gguf")
