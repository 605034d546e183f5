"""Chains of faults: a project, one fault after another at drawn points of its run, and what must hold after each.

Every fault is followed by a look from a fresh process: what was there before is there still and says the same, nothing is
half visible, what viewers were told is in the file. When the chain's run is done its tables equal those of a run that nothing
happened to.
"""

import itertools
import json
import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pada_local.host import place
from pada_local.store.project import Project
from tests.fakes import SETTINGS, examples
from tests.faults import crash_help as crash

FAULTS = {"kill": 10, "term": 3, "full": 3, "child": 2, "hup": 1, "int": 1, "memory": 1, "clock": 1}
"""Kinds of faults and how often each is drawn."""
CLOCKS = (-86_400.0, 86_400.0, -3_600.0, -2e9)
"""A day back, a day on, an hour back (as in autumn), 1970."""
TIMES = {
    "runs": ("created_at", "reason"), "rounds": ("train_seconds",), "stages": ("elapsed_s",), "adapters": ("train_seconds",),
    "test_looks": ("at",), "events": None, "manifest": None, "marks": None,
}  # fmt: skip
"""Columns that tell time, and tables (None) that do nothing else; all others are the same in every run of one seed."""
LEAVE_S = 5.0


class Gallery:
    """The process that makes hosts out of plans."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(crash.ROOT)}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.faults.gallery"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, cwd=crash.ROOT, env=environment)  # fmt: skip

    def shoot(self, **plan) -> dict:
        """What became of one plan; `lines` is what it said, read."""
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not answer["hung"], f"{plan} hung after {answer['said'][-2000:]}\n{answer['errors']}"
        lines = answer["said"].splitlines() if plan["do"] == "run" else []
        answer["lines"] = [json.loads(line) for line in lines if line.endswith("}")]
        return answer

    def dump(self, path: Path) -> crash.Tables:
        """Every row, read by a fresh process."""
        answer = self.shoot(do="dump", path=str(path))
        assert answer["status"] == 0, answer["said"][-500:] + answer["errors"]
        return json.loads(answer["said"])

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def make_project(folder: Path) -> Path:
    """A project of the fakes' world."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "notes.duckdb"
    Project.create(path, SETTINGS, examples(1, (4, 5))).close()
    return path


def timeless(tables: crash.Tables) -> dict:
    """The tables without what tells time."""
    kept = {name: rows for name, rows in tables.items() if TIMES.get(name, ()) is not None}
    return {name: {key: {column: value for column, value in row.items() if column not in (TIMES.get(name) or ())}
                   for key, row in rows.items()} for name, rows in kept.items()}  # fmt: skip


def differences(wanted: dict, there: dict) -> list[tuple]:
    """The first rows that are not the same."""
    found = [(name, key, wanted[name].get(key), there[name].get(key)) for name in wanted
             for key in sorted({*wanted[name], *there[name]}) if wanted[name].get(key) != there[name].get(key)]  # fmt: skip
    return found[:5]


@dataclass
class Tally:
    """What a number of chains did."""

    faults: Counter = field(default_factory=Counter)
    points: Counter = field(default_factory=Counter)
    runs: int = 0
    worst_leaving_s: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.faults.most_common())
        return (f"{self.faults.total()} faults ({kinds}) at {len(self.points)} points in {self.runs} runs; after SIGTERM the host"
                f" was gone within {self.worst_leaving_s:.2f} s")  # fmt: skip


class Range:
    """Draws faults and holds the file against rule 5 after each."""

    def __init__(self, gallery: Gallery, folder: Path, draw: random.Random) -> None:
        self._gallery, self._folder, self._draw = gallery, folder, draw
        whole = make_project(folder / "whole")
        answer = gallery.shoot(do="run", path=str(whole), seed=1)
        assert answer["lines"][-1]["outcome"]["state"] == "done", answer
        self.passed: dict[str, int] = answer["lines"][-1]["passed"]
        """Named points of an undisturbed run, and how often it passes each."""
        self.wanted = timeless(gallery.dump(whole))
        self.tally = Tally()
        self._names = itertools.cycle(draw.sample(sorted(self.passed), len(self.passed)))

    def chain(self, faults: int) -> None:
        """One project through at most so many faults, then to its end."""
        self.tally.runs += 1
        path = make_project(self._folder / str(self.tally.runs))
        before, seen = self._gallery.dump(path), []
        for number in range(faults):
            fault = self._fault(path, fresh=number == 0)
            answer = self._gallery.shoot(do="run", path=str(path), seed=1, fault=fault)
            self._count(fault, answer)
            events = [line for line in answer["lines"] if "type" in line]
            seen += events
            after = self._gallery.dump(path)
            crash.check_whole(after)
            crash.check_kept(before, after)
            crash.check_said(events, after)
            before = after
            if answer["lines"] and answer["lines"][-1].get("outcome", {}).get("state") == "done":
                break
        last = self._gallery.shoot(do="run", path=str(path), seed=1)
        assert last["lines"][-1]["outcome"]["state"] == "done", last
        after = self._gallery.dump(path)
        crash.check_kept(before, after)
        crash.check_whole(after)
        crash.check_said(seen, after)
        crash.assert_one_file_left(path)
        assert (there := timeless(after)) == self.wanted, differences(self.wanted, there)

    def _fault(self, path: Path, fresh: bool) -> dict:
        """A named point, each in its turn, for a fresh run; for one that goes on, a point so many steps from where it stands."""
        name, kind = next(self._names) if fresh else "", self._draw.choices(list(FAULTS), list(FAULTS.values()))[0]
        if kind in ("child", "memory") and not name.startswith(("student", "asking")):
            name = self._draw.choice([name for name in self.passed if name.startswith(("student", "asking"))])
        where = {"point": name, "nth": self._draw.randint(1, self.passed[name])} if name else {"step": self._draw.randint(1, 60)}
        return {"kind": kind, "path": str(path), "room": self._draw.choice((0, 4096, 65_536)),
                "seconds": self._draw.choice(CLOCKS)} | where  # fmt: skip

    def _count(self, fault: dict, answer: dict) -> None:
        """How the process ended is what the fault's kind promises."""
        hit = next((line for line in answer["lines"] if "fault" in line), None)
        refused = [line for line in answer["lines"] if "refused" in line]
        end = answer["lines"][-1].get("outcome", {}) if answer["lines"] else {}
        trouble = f"{fault}: {answer['status']} {answer['lines'][-2:]}\n{answer['errors'][-3000:]}"
        if hit is None:  # the point lay behind this run already
            assert answer["status"] == 0 and end.get("state") == "done", trouble
            return
        self.tally.faults[fault["kind"]] += 1
        self.tally.points[hit["point"]] += 1
        match fault["kind"]:
            case "kill":
                assert answer["status"] == -9, trouble
            case "term" if answer["status"] == -15:  # before the host was ready it is as good as a kill
                assert answer["lines"] == [hit], trouble
            case "term":
                took = answer["ended"] - hit["at"]
                self.tally.worst_leaving_s = max(self.tally.worst_leaving_s, took)
                assert answer["status"] == 0 and end.get("state") in ("paused", "done") and took < LEAVE_S, trouble
            case "hup" | "int" | "clock":
                assert answer["status"] == 0 and end.get("state") == "done", trouble
            case "child":
                assert answer["status"] == 0 and end.get("state") == "paused", trouble
            case "memory":
                assert answer["status"] == 0 and end.get("state") == "failed", trouble
            case "full":
                assert refused or end.get("state") in ("failed", "done"), trouble
                said = [line for line in answer["lines"] if line.get("type") == "RunFailed"] + refused
                assert end.get("state") == "done" or any(
                    "disk has room" in line["fix"] or "Nothing is lost" in line["fix"] for line in said
                ), trouble
        if fault["kind"] not in ("kill", "full"):
            assert not place.socket_path(Path(fault["path"])).exists(), trouble
