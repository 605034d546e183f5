"""A small real project whose processes are gone when the test ends."""

import pytest

from tests.faults import crash_help as crash


@pytest.fixture
def small(tmp_path):
    """A project file and a recipe; whatever a failed test leaves running is killed."""
    crash.adopt_orphans()
    path, recipe = crash.make_project(tmp_path)
    yield path, recipe
    for pid in crash.family(path):
        crash.kill(pid)
