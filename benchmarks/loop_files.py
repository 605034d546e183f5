"""Project files with made-up rows, for `benchmarks/loop.py`: ten rounds of adapters, and very many candidates."""

import hashlib
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import duckdb

from pada_local.records import Adapter, Candidate, Prompt, TeacherCall
from pada_local.store.project import Project

ADAPTER_BYTES = 22_500_000
"""A LoRA of rank 16 on a student of one billion parameters, in 16 bits."""
CALLS_PER_ROUND = 400
LOOK = """
import sys, time
from pathlib import Path
from pada_local.session import Session
import duckdb, pada_local.host.answers, pada_local.store.project
begun, used = time.monotonic(), time.process_time()
with Session.open(Path(sys.argv[1])) as session:
    session.status()
print(time.monotonic() - begun, time.process_time() - used)
"""


def file_ratio(folder: Path, template: Path, rounds: int) -> tuple[float, float]:
    """Size of a project after so many rounds over that of a fresh copy of it, and the size in MB. Opened anew in each round."""
    path, rng = Path(shutil.copy(template, folder / "rounds.duckdb")), random.Random(1)
    for number in range(rounds):
        with Project.open(path) as project:
            for call in range(CALLS_PER_ROUND):
                text = " ".join(f"{rng.random():.6f}" for _ in range(60))
                key = f"bench-{number}-{call}"
                project.put(
                    Prompt(id=key, text=text),
                    TeacherCall(
                        key=key, prompt_id=key, model="bench", purpose="bench", settings={}, answer=text[:300], state="ok",
                        reason="", prompt_tokens=200, answer_tokens=100, elapsed_s=1.0,
                    ),
                )  # fmt: skip
            data = rng.randbytes(ADAPTER_BYTES)
            project.put_adapter(
                Adapter(
                    id=f"bench-{number}", base="bench", sha256={"adapter_model.safetensors": hashlib.sha256(data).hexdigest()},
                    bytes=len(data), settings={}, train_tokens=1, train_seconds=1.0, steps=1,
                ),
                {"adapter_model.safetensors": data},
            )  # fmt: skip
    fresh = folder / "fresh.duckdb"
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
    connection.execute(f"ATTACH '{fresh}' AS new")
    connection.execute("COPY FROM DATABASE old TO new")
    connection.execute("CHECKPOINT new")
    connection.close()
    sizes = path.stat().st_size, fresh.stat().st_size
    path.unlink()
    fresh.unlink()
    return sizes[0] / sizes[1], sizes[0] / 1e6


def opening(folder: Path, template: Path, count: int) -> tuple[float, float]:
    """Medians of five: wall and processor seconds to open the project and ask what it holds, in a fresh process whose libraries
    are loaded.
    """
    path = Path(shutil.copy(template, folder / "many.duckdb"))
    with Project.open(path) as project:
        for start in range(0, count, 5000):
            project.put(*(candidate(number) for number in range(start, min(start + 5000, count))))
    told = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", LOOK, str(path)], stdout=subprocess.PIPE, text=True, check=True)
        told.append([float(word) for word in done.stdout.split()])
    path.unlink()
    return statistics.median(row[0] for row in told), statistics.median(row[1] for row in told)


def candidate(number: int) -> Candidate:
    text = f"patient {number} reports cough for {number % 30} days and denies fever"
    return Candidate(
        id=f"bench-{number}", run_id="bench", round=1 + number % 10, wave=1, position=number, origin="pattern", pattern_id="p",
        strategy_id="s", parent_id="", seed_examples=[], attempt=1, call_key="c", input=text, output="cough; fever denied",
        state="accepted" if number % 3 else "rejected",
    )  # fmt: skip
