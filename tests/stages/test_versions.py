"""A stage's VERSION is part of its key: whoever changes what a stage does must bump it, or old results are taken for new.

    python tests/stages/test_versions.py      record the sources as they are now
"""

import hashlib
import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORD = HERE / "versions.json"
VERSION = re.compile(r"^VERSION = (\d+)$", re.MULTILINE)


def present() -> dict[str, dict[str, int | str]]:
    """Version and hash of every module that has a VERSION, by its path."""
    found = {}
    for file in sorted(path for room in ("stages", "methods") for path in (ROOT / "pada_local" / room).glob("*.py")):
        text = file.read_text(encoding="utf-8")
        if version := VERSION.search(text):
            digest = hashlib.sha256(VERSION.sub("", text).encode()).hexdigest()
            found[f"{file.parent.name}/{file.name}"] = {"version": int(version[1]), "sha256": digest}
    return found


PRESENT, RECORDED = present(), json.loads(RECORD.read_text()) if RECORD.exists() else {}


def test_every_stage_has_a_version():
    stages = {f"stages/{file.name}" for file in (ROOT / "pada_local" / "stages").glob("*.py")} - {"stages/__init__.py"}
    assert stages <= set(PRESENT)


@pytest.mark.parametrize("name", sorted(PRESENT | RECORDED))
def test_a_changed_stage_has_a_new_version(name):
    now, then = PRESENT.get(name), RECORDED.get(name)
    how = "then record it: python tests/stages/test_versions.py"
    assert now and then, f"{name} came or went: {how}"
    assert now["version"] >= then["version"], f"{name}: VERSION must never go back"
    if now["version"] == then["version"]:
        changed = f"{name} has changed: bump VERSION or record the cosmetic change, {how}"
        assert now["sha256"] == then["sha256"], changed
    else:
        assert now["sha256"] == then["sha256"], f"{name} has a new VERSION: {how}"


if __name__ == "__main__":
    RECORD.write_text(json.dumps(PRESENT, indent=2, sort_keys=True) + "\n")
