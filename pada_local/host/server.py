"""The host's life: open the file, listen, answer, end when there is neither run nor viewer."""

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from pada_local import review
from pada_local.errors import PadaError, UsageError
from pada_local.export import study
from pada_local.host import place
from pada_local.host.answers import READS, answer
from pada_local.host.hub import Hub
from pada_local.host.runner import Runner
from pada_local.host.talks import Talks
from pada_local.host.viewer import Connection
from pada_local.look import samples
from pada_local.recipe import Recipe, check
from pada_local.records import EventRow, Setting
from pada_local.store.connection import not_own
from pada_local.store.project import Project
from pada_local.study import Plan

FLUSH_SECONDS = 0.3
IDLE_SECONDS = 0.5
FIRST_VIEWER_SECONDS = 30.0
PAUSE_SECONDS = 4.0
"""How long a run may take to end after SIGTERM; the children die with the host either way."""

log = logging.getLogger(__name__)


class Host:
    """Owner of one project file. `serve` returns when the host has nothing left to do."""

    def __init__(self, path: Path, key: str = "") -> None:
        """Opens the file. Raises BusyError while another process owns it, LockedError or StoreError when it cannot be read."""
        self.path = Path(os.path.realpath(path))
        self.project = Project.open(self.path, key=key)
        if self.project.read_only:
            self.project.close()
            raise not_own(self.path)
        # The file's lock is ours from here on: whatever another host of this file left behind is stale.
        place.sweep_private_folders(self.path)
        if place.log_path(self.path).exists():
            os.truncate(place.log_path(self.path), 0)
        [(last_seq,)] = self.project.sql("SELECT coalesce(max(seq), 0) FROM events")
        self.hub = Hub(self.project, lambda seq: read_events(self.project, seq), last_seq)
        self.runner = Runner(self.project, self.path, self.hub)
        self.talks = Talks(self.project, self.path, lambda: self.runner.active)
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        self.runner.settle()
        self._leaving, self._terminated = threading.Event(), threading.Event()
        self._someone_came = False

    def listen(self) -> socket.socket:
        """The listening socket; a stale one of a killed host is taken over."""
        where = place.socket_path(self.path)
        where.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(where))
        os.chmod(where, 0o600)
        listener.listen(16)
        listener.settimeout(0.1)
        return listener

    def serve(self, listener: socket.socket) -> None:
        """Answer until there is neither run nor viewer, or until told to leave."""
        threading.Thread(target=self._flush_forever, name="events", daemon=True).start()
        began = busy_at = time.monotonic()
        while not (self._terminated.is_set() or (self._leaving.is_set() and not self.runner.active)):
            with contextlib.suppress(TimeoutError):
                self._admit(listener.accept()[0])
            now = time.monotonic()
            self.talks.end_if_idle(now)
            if self.runner.active or self._connections:
                busy_at = now
            waited = now - (busy_at if self._someone_came else began)
            if waited > (IDLE_SECONDS if self._someone_came else FIRST_VIEWER_SECONDS):
                break
        self._close(listener)

    def terminate(self, *_: Any) -> None:
        """SIGTERM: pause what runs and leave."""
        self._terminated.set()

    def answer(self, question: dict[str, Any]) -> Any:
        """What a viewer asked; the questions of a living host here, the rest from the file. Raises PadaError.

        A question that says `looking` (a replay asks so) is never answered by a change.
        """
        if question.get("looking") and question.get("op") not in ("ping", "status", *READS):
            raise UsageError("A replay changes nothing.", "It only looks at the project.", "Open it with 'pada tui FILE'.")
        match question.get("op"):
            case "ping":
                return {"pid": os.getpid(), "path": str(self.path)}
            case "start":
                return self._start(question)
            case "pause" | "stop":
                asked = self.runner.ask_to_end(str(question["op"]))
                if question["op"] == "stop":
                    self._leaving.set()
                return {"asked": asked}
            case "keep_study":
                plan = msgspec.convert(question.get("plan"), Plan)
                self.project.replace(Setting(key=f"{study.SETTING}{plan.id}", value=msgspec.json.encode(plan).decode()))
                return {"id": plan.id}
            case "decide":
                return self._decide(question)
            case "decide_all":
                return self._decide_all(question)
            case "status":
                live = {"host": os.getpid(), "active": self.runner.active, "outcome": self.runner.outcome}
                return answer(self.project, question) | live | {"view": msgspec.to_builtins(self.hub.view)}
        return answer(self.project, question)

    def _start(self, question: dict[str, Any]) -> dict[str, int]:
        try:
            recipe = msgspec.convert(question.get("recipe"), Recipe)
            seed = msgspec.convert(question.get("seed"), int)
        except msgspec.ValidationError as error:
            raise UsageError("The run cannot be started with this recipe.", str(error)) from None
        if problems := check(recipe):
            raise UsageError("The run cannot be started with this recipe.", "; ".join(problems))
        if self._leaving.is_set():
            raise UsageError("The host of this project is ending.", "It was told to stop.", "Try again in a moment.")
        since = self.hub.next_seq
        with self.talks.making_way():
            self.runner.start(recipe, seed, str(question.get("part", "")))
        return {"since": since}

    def _decide(self, question: dict[str, Any]) -> dict[str, Any]:
        words = {str(name): str(value) for name, value in (question.get("words") or {}).items()}
        named = [str(question.get(name, "")) for name in ("run", "subject", "action")]
        return review.decide(self.project, *named, words)

    def _decide_all(self, question: dict[str, Any]) -> dict[str, Any]:
        words = {str(name): str(value) for name, value in (question.get("words") or {}).items()}
        wanted = samples.read_filter(question.get("filter"))
        ids = samples.sample_ids(self.project, wanted)
        return review.decide_all(self.project, wanted.run_id, ids, str(question.get("action", "")), words)

    def _admit(self, accepted: socket.socket) -> None:
        connection = Connection(accepted, self.answer, self.hub, self.runner, self.talks, self._forget)
        self._someone_came = True
        with self._lock:
            self._connections.add(connection)
        threading.Thread(target=connection.serve, name="viewer", daemon=True).start()

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _close(self, listener: socket.socket) -> None:
        """Leave in order: no new viewers, run paused, events written, viewers told, file closed, lock given back last."""
        listener.close()
        place.socket_path(self.path).unlink(missing_ok=True)
        self.runner.ask_to_end("pause")
        self.talks.end("The host of this project has ended.", grace_s=0.5)
        if not self.runner.wait(PAUSE_SECONDS):
            self._leave_hard()
        self.hub.flush()
        self.hub.tell(None)
        deadline = time.monotonic() + 1
        while self._connections and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._terminated.is_set():
            self.project.close()  # whoever sent SIGTERM will not wait for more
        else:
            self.project.close_compact()
        if place.log_path(self.path).exists() and not place.log_path(self.path).stat().st_size:
            place.log_path(self.path).unlink(missing_ok=True)

    def _leave_hard(self) -> None:
        """The run does not end in time: what is committed is safe, the children die with this process."""
        threading.Timer(0.7, os._exit, (1,)).start()
        log.error("the run did not end in %s s; the host leaves without waiting", PAUSE_SECONDS)
        self.runner.mark("paused", "The host was told to leave.")
        self.hub.flush()
        place.sweep_private_folders(self.path)
        os._exit(0)

    def _flush_forever(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            try:
                self.hub.flush()
            except PadaError:
                # The file is the run's to complain about; events wait here for the next try.
                log.exception("events could not be written")


def read_events(project: Project, seq: int) -> list[EventRow]:
    """The stored events from a number on, in order."""
    names = EventRow.__struct_fields__
    columns = ", ".join(f'"{name}"' for name in names)
    rows = project.sql(f"SELECT {columns} FROM events WHERE seq >= ? ORDER BY seq", [seq])
    return [EventRow(**dict(zip(names, row, strict=True))) for row in rows]


def ignore_terminal() -> None:
    """A host outlives the terminal that it was started from."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
