"""Answers of the playground on their way to viewers: each is made in a thread that never waits for whoever reads it."""

import contextlib
import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pada_local.errors import PadaError
from pada_local.host import place, wire
from pada_local.playground import GRACE_S, Playground, Question, check_room_beside_run

IDLE_S = 300.0
"""How long models stay in memory after the last answer."""
MAKES_WAY = "A run has begun, and the playground's models made way for it: ask again."

log = logging.getLogger(__name__)


class Talk:
    """One answer: made by a thread, read by another."""

    def __init__(self, who: str) -> None:
        self.who = who
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._hushed = threading.Event()
        self.going_on = True

    def hush(self) -> None:
        """End it: what was told stays told."""
        self._hushed.set()

    def messages(self) -> Iterator[dict[str, Any]]:
        """Messages for the viewer: {"piece": …} any number of times, then {"spoken": true}, or false with the error."""
        while True:
            message = self._waiting.get()
            if "piece" not in message:
                self.going_on = False  # before the viewer hears of it: its next question may come at once
            yield message
            if "piece" not in message:
                return

    def make(self, playground: Playground, question: Question) -> None:
        """Ask the model until the answer has ended; whatever goes wrong becomes the last message."""
        last: dict[str, Any] = {"spoken": True}
        try:
            for piece in playground.answer(question, self._hushed.is_set):
                self._waiting.put({"piece": msgspec.to_builtins(piece)})
        except PadaError as error:
            last = {"spoken": False, "error": wire.error_to_wire(error)}
        except Exception as error:
            # The thread's edge: the viewer must hear of it, and the log in full.
            log.exception("an answer broke")
            broken = PadaError(f"The answer broke: {type(error).__name__}.", str(error))
            last = {"spoken": False, "error": wire.error_to_wire(broken)}
        finally:
            self._waiting.put(last)


class Talks:
    """The playground of one project: made with the first question, ended when idle, when a run begins, or with the host."""

    def __init__(self, project: Any, path: Path, run_goes_on: Callable[[], bool]) -> None:
        self._project, self._path, self._run_goes_on = project, path, run_goes_on
        self._playground: Playground | None = None
        self._private: Path | None = None
        self._lock, self._ended_at = threading.Lock(), 0.0
        self._going_on: set[Talk] = set()

    def begin(self, asked: dict[str, Any]) -> Talk:
        """Start to answer. Raises UsageError while a run needs the memory or for a wrong question, MissingError."""
        who, run, prompt = (str(asked.get(name) or "") for name in ("who", "run", "prompt"))
        with self._lock:
            if self._run_goes_on() and self._playground is None:
                check_room_beside_run(self._project, self._path)
            playground = self._open()
            question = playground.question(who, run, prompt)
            talk = Talk(who)
            self._going_on.add(talk)
        threading.Thread(target=self._make, args=(talk, playground, question), name="answer", daemon=True).start()
        return talk

    def _make(self, talk: Talk, playground: Playground, question: Question) -> None:
        try:
            talk.make(playground, question)
        finally:
            self._ended_at = time.monotonic()
            self._going_on.discard(talk)

    def _open(self) -> Playground:
        if self._playground is None:
            self._private = place.make_private_folder(self._path)
            self._playground = Playground(self._project, self._private, in_turns=self._run_goes_on())
            self._ended_at = time.monotonic()
        return self._playground

    @contextlib.contextmanager
    def making_way(self) -> Iterator[None]:
        """What is done inside begins a run: the models are ended before, and no question comes in between."""
        with self._lock:
            if not self._run_goes_on():
                self._end(MAKES_WAY, GRACE_S)
            yield

    def end_if_idle(self, now: float) -> None:
        """End the models when nobody has asked for `IDLE_S`."""
        if self._playground is not None and not self._going_on and now - self._ended_at > IDLE_S:
            self.end("")

    def end(self, reason: str, grace_s: float = GRACE_S) -> None:
        """End all answers and models."""
        with self._lock:
            self._end(reason or MAKES_WAY, grace_s)

    def _end(self, reason: str, grace_s: float) -> None:
        playground, self._playground = self._playground, None
        private, self._private = self._private, None
        if playground is not None:
            playground.close(reason, grace_s)
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
