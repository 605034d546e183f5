"""A project whose student was tuned for a moment by the real loop, and a server that answers as slowly as a test wants."""

import contextlib
import http.server
import json
import threading
import time
from pathlib import Path

import msgspec

from pada_local import loop
from pada_local.demo.project import demo_examples
from pada_local.errors import BusyError
from pada_local.recipe import parse
from pada_local.records import Example, Prediction, Round, Run, Setting
from pada_local.session import create_project
from pada_local.store.project import Project

SETTINGS = {
    "task": "Read a note.", "metric": "exact_match", "student": "demo-student", "teacher": "demo-teacher",
    "judge": "demo-teacher", "system": "", "threads": "1",
}  # fmt: skip
RECIPE = 'name = "brief"\n[loop]\nrounds = 1\naugment = "none"\n[train]\nsteps = 3\n'


def make_tuned(folder: Path) -> Path:
    """The project file, after a run of one round with a handful of examples."""
    path, wanted = folder / "tuned.duckdb", {"train": 12, "validation": 8, "test": 1}
    examples = [row for row in demo_examples(1) if row.position < wanted[row.split]]
    create_project(path, SETTINGS, examples)
    private = folder / "private"
    private.mkdir()
    with Project.open(path) as project:
        assert loop.start_run(project, parse(RECIPE), 1, dict(SETTINGS), private, lambda event: None, lambda: False) == "done"
        run = project.one(Run)
        assert run.champion_round == 1
    return path


@contextlib.contextmanager
def opened(path: Path):
    """The file itself, as soon as the host of the command before has left it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            project = Project.open(path)
            break
        except BusyError:
            assert time.monotonic() < deadline, "the host never left"
            time.sleep(0.05)
    with project:
        yield project


def stored_answers(path: Path) -> dict[str, str]:
    """Input of each validation example to what the tuned student answered in its evaluation."""
    with opened(path) as project:
        adapter = project.one(Round).adapter_id
        inputs = {row.id: row.input for row in project.get(Example, split="validation")}
        return {inputs[row.example_id]: row.text for row in project.get(Prediction, adapter_id=adapter, example_id=list(inputs))}


def rows_of(path: Path) -> dict[str, int]:
    """How many rows each kind has: the same before and after a talk."""
    from pada_local import records

    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, records.Row)]
    with opened(path) as project:
        return {kind.__name__: project.count(kind) for kind in kinds if kind is not records.Row}


@contextlib.contextmanager
def slow_server(events, go_on: threading.Event):
    """An OpenAI-style server: streams each event, then waits for `go_on` before it ends; gives its address as a teacher."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            for event in events:
                self.wfile.write(b"data: " + json.dumps({"choices": [event]}).encode() + b"\n\n")
                self.wfile.flush()
            go_on.wait(60)
            with contextlib.suppress(OSError):
                self.wfile.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1#slow"
        finally:
            go_on.set()
            server.shutdown()


def said(text: str, **more) -> dict:
    """One event of a stream."""
    return {"delta": {"content": text} | more}


def set_teacher(path: Path, name: str) -> None:
    """Name another teacher in the project."""
    with opened(path) as project:
        project.replace(msgspec.structs.replace(project.one(Setting, key="teacher"), value=name))
