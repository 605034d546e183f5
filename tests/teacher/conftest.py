"""Fixtures of the teacher's tests: a fake server with scripted behaviour, rows in memory, the real tiny model."""

import json
import sys
from pathlib import Path

import pytest
from teacher_help import MemoryRows

from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings


@pytest.fixture
def rows():
    return MemoryRows()


@pytest.fixture
def fake(tmp_path, user_dirs):
    """Makes a LlamaServer on the fake binary; `fake.asked()` and `fake.starts()` tell what it saw."""
    binary, model = tmp_path / "llama-server", tmp_path / "model.json"
    source = Path(__file__).with_name("fake_llama_server.py").read_text()
    binary.write_text(f"#!{sys.executable} -ES\n{source}")
    binary.chmod(0o755)
    # Straight under /tmp, since a server in a long folder takes another.
    folder, made = user_dirs / "run", []

    def make(*behaviours, clock=None, **settings):
        model.write_text(json.dumps(behaviours))
        settings = {"slots": 2, "context": 1024, "stall_seconds": 20.0, "restarts": 2, "start_seconds": 60.0} | settings
        more = {"clock": clock} if clock else {}
        server = LlamaServer(model, Settings(**settings), folder=folder, binary=binary, **more)
        made.append(server)
        return server

    def lines(ending):
        path = Path(f"{model}{ending}")
        return path.read_text().splitlines() if path.exists() else []

    make.asked = lambda: [json.loads(line) for line in lines(".asked")]
    make.starts = lambda: [int(line) for line in lines(".starts")]
    make.slots = lambda: [line.split() for line in lines(".slots")]
    make.folder = folder
    yield make
    for server in made:
        server.close()


@pytest.fixture(scope="session")
def stories(shared_weights):
    """The smallest real model there is."""
    return shared_weights / "stories260K" / "stories260K-f32.gguf"
