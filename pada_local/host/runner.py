"""The one run that may be going on: the loop in a thread, and what becomes of the run's state when it ends."""

import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec

from pada_local import events, loop
from pada_local.errors import ExitCode, Interrupted, PadaError, TeacherError, UsageError, WorkerLost
from pada_local.host import place
from pada_local.host.hub import Hub
from pada_local.recipe import Recipe
from pada_local.records import Run, Setting

log = logging.getLogger(__name__)


class Runner:
    """Starts, stops and reports the outcome of runs of one project, one at a time."""

    def __init__(self, project: Any, path: Path, hub: Hub) -> None:
        self._project, self._path, self._hub = project, path, hub
        self._thread: threading.Thread | None = None
        self._asked = ""
        self._run_id = ""
        self.outcome: dict[str, Any] = {}

    @property
    def active(self) -> bool:
        """Whether a run is going on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, recipe: Recipe, seed: int, part: str = "") -> None:
        """Begin or go on with the run of this recipe and seed. Raises UsageError while another goes on."""
        if self.outcome:
            self.wait(5)  # its outcome is told a moment before its thread ends
        if self.active:
            fix = f"Follow it with 'pada status {self._path}', or end it with 'pada pause {self._path}'."
            raise UsageError("A run is going on in this project already.", f"It is run {self._run_id or '(starting)'}.", fix)
        self._asked, self._run_id, self.outcome = "", "", {}
        self._thread = threading.Thread(target=self._work, args=(recipe, seed, part), name="run")
        self._thread.start()

    def ask_to_end(self, how: str) -> bool:
        """Ask the run to pause or stop; False when nothing runs."""
        if self.active:
            self._asked = how
        return self.active

    def wait(self, timeout_s: float) -> bool:
        """Wait for the run to end; False when it goes on after the timeout."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.active

    def mark(self, state: str, reason: str = "") -> None:
        """Write how the run ended, unless it came to its end or was never begun."""
        run = self._project.one(Run, id=self._run_id) if self._run_id else None
        if run is not None and run.state not in ("done", "held"):
            self._project.replace(msgspec.structs.replace(run, state=state, reason=reason))

    def settle(self) -> None:
        """Call 'paused' what a killed host left as 'running'. Only before the first start: nothing runs yet."""
        for run in self._project.get(Run, state="running"):
            self._project.replace(msgspec.structs.replace(run, state="paused", reason="The program that ran it was ended."))

    def _speak(self, event: events.Event) -> None:
        self._run_id = event.run_id or self._run_id
        self._hub.emit(event)

    def _work(self, recipe: Recipe, seed: int, part: str) -> None:
        private: Path | None = None
        try:
            private = place.make_private_folder(self._path, in_memory=self._project.encrypted)
            settings = {"task": "", "system": ""} | {row.key: row.value for row in self._project.get(Setting)}
            state = loop.start_run(self._project, recipe, seed, settings, private, self._speak, lambda: bool(self._asked),
                                   part)  # fmt: skip
            self.outcome = {"state": state, "run_id": self._run_id, "exit_code": int(ExitCode.DONE)}
        except PadaError as error:
            self._failed(error)
        except Exception as error:
            # The thread's edge: whatever went wrong must reach the viewers and the file as a sentence, and the log in full.
            log.exception("the run broke")
            title = f"The run broke: {type(error).__name__}."
            self._failed(PadaError(title, str(error), f"Run it again to go on. The details are in {place.log_path(self._path)}."))
        finally:
            if private is not None:
                shutil.rmtree(private, ignore_errors=True)
            self._hub.flush()
            self._hub.tell({"outcome": self.outcome})

    def _failed(self, error: PadaError) -> None:
        resumable = isinstance(error, Interrupted | TeacherError | WorkerLost)
        state = ("stopped" if self._asked == "stop" else "paused") if resumable else "failed"
        fix = error.fix or f"Go on with 'pada run {self._path}'."
        exit_code = ExitCode.STOPPED if resumable else error.exit_code
        self.mark(state, error.title)
        failed = events.RunFailed(run_id=self._run_id, title=error.title, detail=error.detail, fix=fix, resumable=resumable)
        self._hub.emit(failed)
        self.outcome = {"state": state, "run_id": self._run_id, "exit_code": int(exit_code)}
