"""The commands of docs/data.md for six public data sets, run as they stand there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
WHOLE = re.compile(r"^    (pada new (\w+)\.duckdb (?:[^\n\\]|\\[^\n]|\\\n)*)$", re.MULTILINE)
COMMANDS = {name: command for command, name in WHOLE.findall(PAGE) if "data/" in command}
EXAMPLES = {
    # train, validation, test; labels (None: free text); duplicate rows
    "clinc150": (7596, 3100, 5500, 151, 0),
    "banking77": (7994, 1998, 3079, 77, 5),
    "gsm8k": (5978, 1495, 1319, None, 0),
    "pubmedqa": (600, 200, 200, 3, 0),
    "snips": (10887, 2722, 697, 7, 172),
    "pii": (836, 278, 278, None, 108),
}


def test_the_page_has_a_command_for_each():
    assert set(COMMANDS) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documented_command_works(name, shared_folder, tmp_path):
    (tmp_path / "data").symlink_to(shared_folder / "data")
    command = f'pada() {{ "{sys.executable}" -m pada_local.cli "$@"; }}\n{COMMANDS[name]} --json'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    *counts, labels, duplicates = EXAMPLES[name]
    told = (*facts["examples"].values(), facts["labels"] and len(facts["labels"]), facts["duplicates"])
    assert told == (*counts, labels, duplicates)
    assert facts["tokens"]["longest"] <= facts["tokens"]["context"]
    assert facts["rendered"]["prompt"] and facts["rendered"]["answer"]
    assert (tmp_path / f"{name}.duckdb").is_file()
