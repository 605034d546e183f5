"""Runs in the environment that `make test-trainers` makes; elsewhere these tests are skipped and say so."""

import importlib.util

import pytest


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("axolotl") is None:
        for item in items:
            if "tests/trainers/" in item.path.as_posix():
                why = "Axolotl and LLaMA-Factory are not in this environment: make test-trainers"
                item.add_marker(pytest.mark.skip(reason=why))
