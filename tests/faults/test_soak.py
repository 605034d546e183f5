"""`make soak`: one host that does run after run of the demo's models while children are killed and runs are paused.

PADA_SOAK_SECONDS says how long (two hours). The host's memory and file handles must stay flat, the file close to its content.
"""

import contextlib
import os
import statistics
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from pada_local import recipe as recipes
from pada_local.session import Session
from tests.faults import crash_help as crash

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]
SECONDS = float(os.environ.get("PADA_SOAK_SECONDS", "7200"))
GROWTH_MIB = 40.0
"""How much more memory the host may take at the end than after its first runs: DuckDB keeps blocks of the file by it."""


def resident_mib(pid: int) -> float:
    return (
        int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])
        / 1024
    )


def content_ratio(path: Path, folder: Path) -> float:
    """Size of the file against a fresh copy of what is in it."""
    fresh = folder / "fresh.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{fresh}' AS new")
        connection.execute("COPY FROM DATABASE old TO new")
    return path.stat().st_size / fresh.stat().st_size


def one_run(path: Path, recipe, seed: int, draw, faults: Counter) -> bool:
    """Start or go on, with one fault at a drawn event; True when the run is done."""
    left, what = draw.randint(1, 40), draw.choice(("pada_local.worker", "llama-server", "pause", "nothing"))
    with contextlib.closing(Session.attach(path)) as session:
        for _ in session.events(session.start(recipe, seed)):
            left -= 1
            if left == 0 and what == "pause":
                with contextlib.closing(Session.attach(path)) as other:
                    other.ask("pause")
                faults[what] += 1
            elif left == 0 and (pid := crash.member(path, what)):
                crash.kill(pid)
                faults[what] += 1
    assert session.outcome["exit_code"] in (0, 4), session.outcome
    return session.outcome["state"] == "done"


def test_memory_handles_and_file_stay_flat(small, tmp_path):
    path, words = small
    recipe, draw, faults = recipes.parse(words.read_text()), crash.draw("soak"), Counter()
    began, seed, memory, handles = time.monotonic(), 1, [], []
    with contextlib.closing(Session.start_host(path)) as session:
        host = session.status()["host"]
        while time.monotonic() - began < SECONDS:
            seed += one_run(path, recipe, seed, draw, faults)
            assert crash.alive(host)
            memory.append(resident_mib(host))
            handles.append(len(os.listdir(f"/proc/{host}/fd")))
    crash.assert_nobody_left(path)
    crash.assert_one_file_left(path)
    crash.finish(path, words, seed, [])
    third = max(1, len(memory) // 3)
    first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
    ratio = content_ratio(path, tmp_path)
    print(f"soak: {time.monotonic() - began:.0f} s, {seed - 1} runs, faults {dict(faults)}; host {first:.0f} MiB at first,"
          f" {last:.0f} MiB at last; handles {min(handles)} to {max(handles)}; file {ratio:.2f} times its content")  # fmt: skip
    assert last - first < GROWTH_MIB
    assert max(handles[-third:]) <= max(handles[:third]) + 2
    assert ratio <= 1.3
