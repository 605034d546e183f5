"""A tiny student and one worker for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pada_local.student.client import StudentClient
from tests.worker.tiny import make_student


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_student(tmp_path_factory.mktemp("tiny-student"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudentClient]:
    with StudentClient(tmp_path_factory.mktemp("private"), threads=1) as client:
        yield client
