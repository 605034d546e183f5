"""Runs a trainer's reader of an exported data set in a process of its own, and says what it would learn from."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pada_local.data.chat import prompt_and_answer
from tests.export.exported import ROOT, SYSTEM

TELL = """
def tell(rows, tokenizer):
    import json
    found = []
    for row in rows:
        learned = [one for one, label in zip(row["input_ids"], row["labels"]) if label != -100]
        found.append([tokenizer.decode(row["input_ids"]), tokenizer.decode(learned)])
    print("\\nREAD " + json.dumps(found), flush=True)
"""
"""Whole texts of rows, and the part of each that the loss looks at."""


def read(program: str, folder: Path, **more: str) -> list[list[str]]:
    """What the program tells when it runs in this folder, without a network and without a card."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache"), "CUDA_VISIBLE_DEVICES": "",
        "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false", **more,
    }  # fmt: skip
    command = [sys.executable, "-c", TELL + program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=500)
    lines = [line for line in done.stdout.splitlines() if line.startswith("READ ")]
    assert lines, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(lines[-1].removeprefix("READ "))


def wanted(folder: Path, split: str = "train") -> list[tuple[str, str]]:
    """Prompt and answer of each exported row, as the student was trained on them."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in (folder / f"{split}-chat.jsonl").read_text().splitlines()]
    return [prompt_and_answer("chatml", SYSTEM, *(one["content"] for one in row["messages"][-2:])) for row in rows]


def assert_as_trained(found: list[list[str]], folder: Path, split: str = "train") -> None:
    """The same rows, in whatever order; behind an answer's end token trainers may leave a line break or the token once more."""
    pairs = sorted(wanted(folder, split), key="".join)
    assert len(found) == len(pairs)
    for (text, learned), (prompt, answer) in zip(sorted(found), pairs, strict=True):
        assert text.startswith(prompt + answer) and text[len(prompt + answer) :].strip() in ("", "<|im_end|>"), text
        assert learned.startswith(answer) and learned[len(answer) :].strip() in ("", "<|im_end|>"), learned
