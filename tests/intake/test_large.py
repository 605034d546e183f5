"""Many rows: streamed, in bounded memory, with a bar that moves. PADA_ROWS=1000000 is the size that docs/log.md tells of."""

import json
import os
import pty
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("PADA_ROWS", "60000"))
WORDS = "amber birch cedar delta ember fjord grove haven inlet jetty knoll lagoon meadow nook oasis prairie quarry".split()


def write_rows(path: Path) -> None:
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(ROWS):
            row = {"text": f"order {number} {' '.join(rng.choices(WORDS, k=12))}", "label": f"label {number % 20}"}
            file.write(json.dumps(row) + "\n")


def peak_bytes(process_id: int) -> int:
    """The most memory that the process has held since it became its program: what wait4 tells includes the parent's."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) * 1024 if found else 0


@pytest.mark.slow
def test_many_rows_stream_in_bounded_memory_with_a_bar(tmp_path):
    write_rows(tmp_path / "rows.jsonl")
    owner, terminal = pty.openpty()
    command = [sys.executable, "-m", "pada_local.cli", "new", tmp_path / "p.duckdb", "--train", tmp_path / "rows.jsonl",
               "--input", "text", "--output", "label", "--metric", "label_accuracy", "--json"]  # fmt: skip
    with open(tmp_path / "facts.json", "wb") as facts:
        running = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=facts, stderr=terminal,
                                   env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    os.close(terminal)
    said, peak = b"", 0
    try:
        while chunk := os.read(owner, 65536):
            said += chunk
            peak = max(peak, peak_bytes(running.pid))
    except OSError:
        pass  # how a pseudo-terminal says that the other side is gone
    assert running.wait() == 0, said.decode()
    counts = json.loads((tmp_path / "facts.json").read_text())["examples"]
    assert counts == {"train": ROWS * 3 // 5, "validation": ROWS // 5, "test": ROWS // 5}
    assert b"] " in said and b"% reading rows.jsonl" in said and b"writing" in said
    print(f"{ROWS:,} rows: {peak / 2**20:,.0f} MiB at most")
    assert 0 < peak < 400 * 2**20 + 500 * ROWS
