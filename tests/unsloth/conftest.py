"""Runs in the environment that `make test-unsloth` makes; elsewhere these tests are skipped and say so."""

import importlib.util

import pytest


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("unsloth") is None:
        for item in items:
            if "tests/unsloth/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="Unsloth is not in this environment: make test-unsloth"))
