"""`python -m tests.faults.gallery`: one host process per line on stdin, each with one fault at one named point of a run.

A line is a plan, {"do": "run"|"dump", "path": FILE, "fault": {...}}; the answer is {"status", "said", "errors", "seconds"}.
Everything is imported once and each plan gets a fork of that, so that hundreds of processes cost seconds, not minutes. The
host, the loop, the store and the wire of events are the real ones; student and teacher are tests.fakes.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import msgspec

from pada_local import events, loop
from pada_local.crew import Crew
from pada_local.errors import PadaError, TeacherError, WorkerLost
from pada_local.host import hub as hub_module
from pada_local.host.server import Host, ignore_terminal
from pada_local.recipe import parse
from pada_local.store.project import Project
from tests.fakes import SETTINGS, FakeStudent, FakeTeacher
from tests.faults import dump

RECIPE = """
name = "faults"
[loop]
rounds = 2
[generate]
budget = 12
items_per_call = 3
[gate]
audit_items = 4
"""
HUNG_S = 60.0


class Points:
    """Counts the named points that a run passes and lets one fault happen at one of them."""

    def __init__(self, fault: dict) -> None:
        self.fault, self.passed, self.total, self._lock = fault, Counter(), 0, threading.Lock()
        self.tables: list[str] = []

    def reach(self, name: str) -> None:
        """The run is here now."""
        with self._lock:
            self.passed[name] += 1
            self.total += 1
            here = (name, self.passed[name]) == (self.fault.get("point"), self.fault.get("nth")) or self.total == self.fault.get(
                "step"
            )
        if here:
            say({"fault": self.fault["kind"], "point": name, "at": time.monotonic()})
            act(self.fault, name)


def act(fault: dict, point: str) -> None:
    """What goes wrong."""
    match fault["kind"]:
        case "kill" | "term" | "hup" | "int" as name:
            os.kill(
                os.getpid(), {"kill": signal.SIGKILL, "term": signal.SIGTERM, "hup": signal.SIGHUP, "int": signal.SIGINT}[name]
            )
        case "full":  # what a full disk does, on any machine: a write past this size fails
            limit = max((size(path) for path in (fault["path"], fault["path"] + ".wal")), default=0) + fault["room"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        case "child" if point.startswith("asking"):
            raise TeacherError("The teacher's server ended.", "It was killed.", "Run again to go on.")
        case "child" if point.startswith("student"):
            raise WorkerLost("The worker ended.", "It was killed.", "Run again to go on.")
        case "memory" if point.startswith(("asking", "student")):
            raise MemoryError("a fault of the harness")
        case "clock":
            Clock.ahead_s = fault["seconds"]


def size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


class Clock(datetime):
    """The machine's clock, which somebody sets in the middle of a run."""

    ahead_s = 0.0

    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(max(0.0, datetime.now(tz).timestamp() + cls.ahead_s), tz)


# --- the points ------------------------------------------------------------------------------------------------------------


def watch_store(points: Points) -> None:
    """Points before, in and after every transaction."""
    run, close = Project._run, Project.close

    def watched(self, statement, parameters=()):
        word = statement.split(maxsplit=1)[0]
        if word == "BEGIN":
            points.tables = []
        elif word in ("INSERT", "CREATE", "DROP", "UPDATE", "DELETE"):
            table = statement.split('"')[1] if '"' in statement else statement.split()[2]
            table = "adapter table" if table.startswith("adapter_") else table
            if table not in points.tables:
                points.tables.append(table)
                points.reach(f"{word.lower()} {table}")
        elif word == "COMMIT" and points.tables:
            points.reach(f"before commit of {' '.join(points.tables)}")
            run(self, statement, parameters)
            points.reach(f"after commit of {' '.join(points.tables)}")
            return []
        return run(self, statement, parameters)

    def closing(self):
        points.reach("closing the file")
        close(self)

    Project._run, Project.close = watched, closing


class Student(FakeStudent):
    def __init__(self, points: Points) -> None:
        super().__init__()
        self._reach = points.reach

    def train(self, job, on_step):
        def stepped(step):
            self._reach("student trains a step")
            on_step(step)

        made = super().train(job, stepped)
        self._reach("student has written an adapter")
        return made

    def generate(self, job):
        for batch in super().generate(job):
            self._reach("student answers a batch")
            yield batch

    def embed(self, model, texts):
        self._reach("student embeds")
        return super().embed(model, texts)

    def cluster(self, vectors, k_max, seed, n_init, method="kmeans"):
        self._reach("student clusters")
        return super().cluster(vectors, k_max, seed, n_init, method)


class Teacher(FakeTeacher):
    def __init__(self, points: Points) -> None:
        def behave(ask):
            points.reach(f"asking to {ask.purpose}")
            return ...

        super().__init__(behave)


# --- one child -------------------------------------------------------------------------------------------------------------


def say(message: dict) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def run(plan: dict) -> int:
    """A host that does one run of the recipe and leaves; says every event and at the end what points it passed."""
    points = Points(plan.get("fault") or {})
    hub_module.datetime = loop.datetime = Clock
    watch_store(points)
    teacher = Teacher(points)
    loop.assemble = lambda *_: Crew(Student(points), teacher, teacher, dict(SETTINGS))
    ignore_terminal()
    try:
        host = Host(Path(plan["path"]))
        listener = host.listen()
    except PadaError as error:
        say({"refused": type(error).__name__, "title": error.title, "detail": error.detail, "fix": error.fix})
        return int(error.exit_code)
    signal.signal(signal.SIGTERM, host.terminate)
    emit = host.hub.emit

    def aloud(event: events.Event) -> None:
        emit(event)
        say(json.loads(events.encode(event)))

    host.hub.emit = aloud
    host.answer({"op": "start", "recipe": msgspec.to_builtins(parse(RECIPE)), "seed": plan["seed"]})
    host._leaving.set()
    host.serve(listener)
    say({"outcome": host.runner.outcome, "passed": points.passed})
    return 0


def child(plan: dict) -> int:
    try:
        if plan["do"] == "dump":
            dump.main(plan["path"])
            sys.stdout.flush()
            return 0
        return run(plan)
    except PadaError as error:
        say({"refused": type(error).__name__, "title": error.title, "detail": error.detail, "fix": error.fix})
        return int(error.exit_code)


# --- the parent ------------------------------------------------------------------------------------------------------------


def shoot(plan: dict) -> dict:
    """One child from fork to end; a child that says nothing and does not end in HUNG_S is killed and called hung."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            os.dup2(writing, 1)
            os.dup2(errors.fileno(), 2)
            os.close(reading)
            os.close(writing)
            code = 70
            try:
                code = child(plan)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        said, hung = [], False
        while True:
            if not select.select([reading], [], [], HUNG_S)[0]:
                hung = True
                os.kill(pid, signal.SIGKILL)
            chunk = os.read(reading, 1 << 20)
            if not chunk:
                break
            said.append(chunk)
        os.close(reading)
        ended = time.monotonic()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        errors.seek(0)
        return {"status": status, "hung": hung, "said": b"".join(said).decode("utf-8", "replace"), "ended": ended,
                "errors": errors.read().decode("utf-8", "replace"), "seconds": ended - began}  # fmt: skip


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(shoot(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
