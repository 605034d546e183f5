"""A project file to play with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pada_local.store import Project


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my project.duckdb"


@pytest.fixture
def project(path: Path) -> Iterator[Project]:
    with Project.create(path, {"metric": "exact_match"}, []) as project:
        yield project
