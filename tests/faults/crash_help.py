"""A small real project, runs of it that are followed and killed, and what must hold in its file after any kill."""

import contextlib
import ctypes
import itertools
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pada_local.demo import world
from pada_local.host import place
from pada_local.host.hub import UNWRITTEN_AT_MOST
from pada_local.records import Example, content_id
from pada_local.session import create_project

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"train": 40, "validation": 20, "test": 24}
RECIPE = """
name = "small"
[loop]
rounds = 2
min_failures = 1
[train]
steps = 12
learning_rate = 3e-3
tokens_per_step = 512
[evaluate]
max_new_tokens = 32
tokens_per_batch = 1024
[generate]
budget = 6
max_waves = 2
[gate]
audit_items = 3
"""
FINAL = ("accepted", "rejected", "duplicate", "leaked", "unparsable")
UNCHANGING = (
    "settings", "examples", "recipes", "predictions", "scores", "prompts", "teacher_calls", "analyses", "embeddings", "patterns",
    "strategies", "verdicts", "judge_audits", "test_looks", "adapters", "training_steps", "events",
)  # fmt: skip
SILENCE_S = 120.0
"""A run that says nothing for this long is broken, whatever it is doing."""


def draw(name: str) -> random.Random:
    """The test's own random numbers; the seed is printed, and PADA_FAULT_SEED sets another."""
    seed = int(os.environ.get("PADA_FAULT_SEED", "20261120"))
    print(f"{name}: PADA_FAULT_SEED={seed}")
    return random.Random(f"{name} {seed}")


def make_project(folder: Path, recipe: str = RECIPE) -> tuple[Path, Path]:
    """A project of the demo's world with few examples and the demo's models, and a recipe of small numbers."""
    examples, taken = [], set()
    for split, size in SIZES.items():
        for position, item in enumerate(world.draw_split(1, split, size, world.draw_gaps(1) if split == "train" else (), taken)):
            examples.append(Example(id=content_id(item.note, item.line), split=split, position=position, input=item.note,
                                    output=item.line, source="demo", tags={"slice": item.slice}))  # fmt: skip
    settings = {"task": world.TASK_CARD, "metric": "exact_match", "student": "demo-student", "teacher": "demo-teacher",
                "judge": "demo-teacher", "system": ""}  # fmt: skip
    path = folder / "p.duckdb"
    create_project(path, settings, examples)
    (folder / "small.toml").write_text(recipe)
    return path, folder / "small.toml"


# --- processes -------------------------------------------------------------------------------------------------------------


def pada(*words, timeout=120) -> subprocess.CompletedProcess:
    """One finished command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)


class Followed:
    """`pada run … --events json`, read event by event."""

    def __init__(self, path: Path, recipe: Path, seed: int) -> None:
        words = ["run", path, "--recipe", recipe, "--seed", seed, "--events", "json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pada_local.cli", *map(str, words)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.seen: list[dict] = []
        self._rest = b""

    def __enter__(self) -> "Followed":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def events(self) -> Iterator[dict]:
        """Events as they come, until the command has nothing more to say."""
        while (chunk := self._read(SILENCE_S)) != b"":
            yield from self._take(chunk)

    def listen(self, seconds: float) -> None:
        """Take in what comes within so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and select.select([self.process.stdout], [], [], left)[0]:
            if (chunk := self._read(0)) == b"":
                return
            list(self._take(chunk))

    def _take(self, chunk: bytes) -> Iterator[dict]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        found = [json.loads(line) for line in lines]
        self.seen += found
        yield from found

    def _read(self, seconds: float) -> bytes:
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise AssertionError(f"nothing was said for {seconds} s after {self.seen[-3:]}")
        return os.read(self.process.stdout.fileno(), 1 << 16)

    def ended(self) -> tuple[int, str]:
        """Exit code and what was said on stderr."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def family(path: Path) -> dict[int, str]:
    """Processes that belong to the project (host, launcher, worker, server), by their command or their environment."""
    marks = (os.fsencode(path), f"run-{place.short_name(path)}-".encode())
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if any(mark in command or mark in environment for mark in marks) and alive(int(entry.name)):
            found[int(entry.name)] = command.replace(b"\0", b" ").decode("utf-8", "replace")
    return found


def member(path: Path, what: str) -> int:
    """The process of the project's family whose command has these words; 0 when there is none."""
    return next((pid for pid, command in family(path).items() if what in command and "runtime/child.py" not in command), 0)


def wait_for_exit(pid: int, seconds: float) -> bool:
    """Whether a process that need not be our child ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def assert_nobody_left(path: Path, seconds: float = 10.0) -> None:
    """All processes of the project end in time."""
    until = time.monotonic() + seconds
    while left := family(path):
        assert time.monotonic() < until, f"these were left behind: {left}"
        wait_for_exit(next(iter(left)), until - time.monotonic())


def assert_one_file_left(path: Path) -> None:
    """Neither log, socket, host's log nor private folder."""
    assert not path.with_name(path.name + ".wal").exists()
    assert not place.socket_path(path).exists() and not place.log_path(path).exists()
    assert private_folders(path) == []


def private_folders(path: Path) -> list[Path]:
    """What lies in the temporary folder in this project's name."""
    return list((Path("/tmp") / f"pada-{os.getuid()}").glob(f"run-{place.short_name(path)}-*"))


def adopt_orphans() -> None:
    """Make this process the parent of orphans, so that no test depends on what the machine's process 1 does with them."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# --- rows ------------------------------------------------------------------------------------------------------------------

Tables = dict[str, dict[str, dict]]


def dump(path: Path) -> Tables:
    """Every row, read by a fresh process."""
    command = [sys.executable, "-m", "tests.faults.dump", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_kept(before: Tables, after: Tables) -> None:
    """Every row that was there is there still and says the same; unfinished ones have only gone forward."""
    for table in UNCHANGING:
        for key, row in before[table].items():
            assert after[table].get(key) == row, f"{table} {key}: {row} became {after[table].get(key)}"
    for key, row in before["candidates"].items():
        now = after["candidates"][key]
        assert {**now, "state": "", "reason": "", "selected": 0} == {**row, "state": "", "reason": "", "selected": 0}
        if row["state"] != "pending":
            assert (now["state"], now["reason"]) == (row["state"], row["reason"]) or now["state"] == "leaked", (row, now)
        assert now["selected"] or not row["selected"]
    for key, row in before["stages"].items():
        assert row["state"] == "running" or after["stages"][key] == row
    for key, row in before["rounds"].items():
        assert all(after["rounds"][key][name] == value for name, value in row.items() if value and name != "state"), key
    for key, row in before["runs"].items():
        assert after["runs"][key]["created_at"] == row["created_at"]
        assert row["state"] != "done" or after["runs"][key] == row


def check_whole(tables: Tables) -> None:
    """Nothing half visible: what commits together is there together, and the counts add up."""
    assert {row["prediction_id"] for row in tables["scores"].values()} == set(tables["predictions"])
    assert {row["prompt_id"] for row in tables["teacher_calls"].values()} == set(tables["prompts"])
    assert {row["adapter_id"] for row in tables["training_steps"].values()} <= set(tables["adapters"])
    for key, row in tables["adapters"].items():
        assert sum(step["adapter_id"] == key for step in tables["training_steps"].values()) == row["steps"]
    for row in (*tables["predictions"].values(), *tables["rounds"].values()):
        assert not row["adapter_id"] or row["adapter_id"] in tables["adapters"]
    # A host that starts leaves a gap for what the one before it may have shown and never written; inside its life there is none.
    numbers = [0, *(row["seq"] for row in tables["events"].values())]
    assert all(b - a == 1 or b - a > UNWRITTEN_AT_MOST for a, b in itertools.pairwise(numbers)), numbers
    done = {(row["run_id"], row["round"], row["wave"], row["name"]): row for row in tables["stages"].values()
            if row["state"] == "done"}  # fmt: skip
    _check_candidates(tables, done)
    for table, stage in (("analyses", "analyse"), ("patterns", "group"), ("strategies", "draft")):
        rows = Counter((row["run_id"], row["round"], 0, stage) for row in tables[table].values())
        said = {"analyse": "failures", "group": "patterns", "draft": "strategies"}[stage]
        assert {key: row["counts"][said] for key, row in done.items() if key[3] == stage and row["counts"][said]} == dict(rows)


def _check_candidates(tables: Tables, done: dict) -> None:
    waves: dict[tuple, list[dict]] = {}
    for row in tables["candidates"].values():
        waves.setdefault((row["run_id"], row["round"], row["wave"]), []).append(row)
        assert row["state"] in (*FINAL, "pending") and (row["state"] == "accepted" or not row["selected"])
        assert bool(row["reason"]) == (row["state"] not in ("accepted", "pending")), row
    generated = {key[:3]: row["counts"] for key, row in done.items() if key[3] == "generate"}
    wanted = {key: counts["generated"] for key, counts in generated.items() if counts["generated"]}
    assert {key: len(rows) for key, rows in waves.items()} == wanted
    for wave, rows in waves.items():
        states = Counter(row["state"] for row in rows)
        assert states["unparsable"] == generated[wave]["unparsable"]
        gate = done.get((*wave, "gate"))
        if gate is None:
            assert set(states) <= {"pending", "unparsable"}
            continue
        assert not states["pending"] and sum(gate["counts"].values()) + states["unparsable"] == len(rows)
        selected = (*wave[:2], 0, "select") in done
        assert selected or {name: states[name] for name in gate["counts"]} == gate["counts"]
    judged = {row["candidate_id"] for row in tables["verdicts"].values()}
    assert judged == {key for key, row in tables["candidates"].items() if row["state"] not in ("pending", "unparsable")}


def check_said(seen: list[dict], tables: Tables) -> None:
    """What a viewer was told is true: finished stages are stored with the same counts, counted predictions are there."""
    for event in seen:
        where = {name: event.get(name) for name in ("run_id", "round")}
        if event["type"] == "StageDone" and event["stage"] != "test":
            fits = [row for row in tables["stages"].values() if all(row[name] == value for name, value in where.items())
                    and (row["name"], row["wave"]) == (event["stage"], event.get("wave", 0))]  # fmt: skip
            assert [(row["state"], row["counts"]) for row in fits] == [("done", event.get("counts", {}))], event
        if event["type"] == "StageProgress" and event["stage"] == "evaluate":
            adapter = tables["rounds"][f"{event['run_id']} {event['round']}"]["adapter_id"]
            split = {key for key, row in tables["examples"].items() if row["split"] == event["note"]}
            there = sum(row["adapter_id"] == adapter and row["example_id"] in split for row in tables["predictions"].values())
            assert there >= event["done"], event


def check_finished(path: Path, tables: Tables) -> None:
    """Every run is done with its one look at the test set, all answers are there, and the report says what the rows say."""
    check_whole(tables)
    assert {row["state"] for row in tables["runs"].values()} == {"done"}
    assert {row["state"] for row in (*tables["rounds"].values(), *tables["stages"].values())} == {"done"}
    report = json.loads(pada("report", path, "--format", "json").stdout)
    splits = Counter(row["split"] for row in tables["examples"].values())
    for run in report["runs"]:
        assert run["test_looks"] == 1 and run["test"]["n"] == splits["test"]
        for row in run["rounds"]:
            here = [one for one in tables["candidates"].values() if (one["run_id"], one["round"]) == (run["id"], row["round"])]
            states = Counter(one["state"] for one in here)
            assert row["generated"] == len(here) == sum(row[state] for state in FINAL) and not states["pending"]
            assert {state: row[state] for state in FINAL} == {state: states[state] for state in FINAL}
            assert row["selected"] == sum(one["selected"] for one in here)
            assert row["validation"]["n"] == splits["validation"]


def finish(path: Path, recipe: Path, seed: int, seen: list[dict]) -> Tables:
    """Run to the end (a paused run is gone on with once), then everything must add up."""
    for _ in range(2):
        with Followed(path, recipe, seed) as run:
            seen += list(run.events())
            code, said = run.ended()
        if code == 0:
            break
    assert code == 0, said
    assert_nobody_left(path)
    assert_one_file_left(path)
    after = dump(path)
    check_said(seen, after)
    check_finished(path, after)
    return after


def kill(pid: int) -> None:
    """kill -9; the process may have ended by itself a moment before."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
