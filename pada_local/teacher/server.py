"""The native llama-server as a backend: many slots, one shared cache, restarted when it stops making tokens."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from pada_local.errors import Interrupted, TeacherError
from pada_local.runtime import process
from pada_local.teacher import stream
from pada_local.teacher.batch import Batch
from pada_local.teacher.launch import Launched, failed_to_start, find_server
from pada_local.teacher.protocol import THINKING_TOKENS, Ask, OnReply, Piece
from pada_local.teacher.settings import Settings, context_for, identity
from pada_local.teacher.unixhttp import Broken


class LlamaServer:
    """A model file behind llama-server. Nothing is started before the first question.

    `folder`: where socket, key and log lie (a new 0700 folder inside); `binary`: another server, for tests.
    Raises MissingError when the server or the model is not there.
    """

    def __init__(
        self,
        model: Path,
        settings: Settings | None = None,
        folder: Path | None = None,
        binary: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or Settings()
        self.model = identity(model, self.settings.family, self.settings.cache)
        self._file, self._folder, self._clock = model.absolute(), folder, clock
        self._binary = binary or find_server()
        self._server: Launched | None = None
        self._was_ready = False
        self.restarts = 0
        """Restarts after a fault since this object was made."""

    def ask_all(self, asks: Sequence[Ask], on_reply: OnReply, cancelled: Callable[[], bool]) -> None:
        """See `Backend`. A fault (stall, crash, status 500, nonsense) costs one of `settings.restarts` per call."""
        pending, faults, may_grow, given = dict(enumerate(asks)), 0, True, count(len(asks))
        context = self.settings.context or context_for(list(asks))
        while pending:
            try:
                batch = self._batch(pending, context, on_reply, cancelled)
                batch.given = given
                batch.may_grow = may_grow and not self.settings.context
                batch.run()
            except Broken as fault:
                faults += 1
                self._after_fault(str(fault), faults, len(pending))
                continue
            if batch.too_long:  # a prompt with more tokens than its length suggested: once more with room for it
                context, may_grow = 1 << (batch.tokens_needed - 1).bit_length(), False

    def talk(self, prompt: str, max_tokens: int, over: Callable[[], bool]) -> Iterator[Piece]:
        """See `Backend`. A server that is lost before its first word is started once more."""
        limit = max_tokens + THINKING_TOKENS
        asked = Ask(purpose="talk", prompt=prompt, schema=type(None), max_tokens=limit)
        context, told, faults, grown = self.settings.context or context_for([asked]), False, 0, False
        while True:
            try:
                server = self._ready(context, over)
                for piece in stream.talk(server, prompt, limit, over, self.settings.stall_seconds, self._clock):
                    told = True
                    yield piece
                return
            except stream.TooLong as found:
                if grown or self.settings.context:
                    detail = f"With its answer it takes {found.tokens} tokens."
                    raise TeacherError("The prompt is too long for the teacher.", detail, "Shorten it.") from None
                context, grown = 1 << (found.tokens - 1).bit_length(), True
            except Broken as fault:
                if over():
                    raise Interrupted("The answer was stopped.") from None
                if told or faults:
                    self.close()
                    raise TeacherError("The teacher stopped answering.", f"{self.model}: {fault}", "Ask again.") from None
                faults += 1
                self._after_fault(str(fault), faults, 1)

    def _batch(self, pending: dict[int, Ask], context: int, on_reply: OnReply, cancelled: Callable[[], bool]) -> Batch:
        server = self._ready(context, cancelled)
        cache_prompt = not self.settings.reproducible
        return Batch(server, pending, on_reply, cancelled, self.settings.stall_seconds, cache_prompt, self._clock)

    def _ready(self, context: int, cancelled: Callable[[], bool]) -> Launched:
        """The running server, started or restarted with more context if need be. Raises Broken, TeacherError, Interrupted."""
        if self._server is not None and self._server.context < context:
            self.close()
        if self._server is None:
            slots = self.settings.slots_for(self._file, context)
            self._server = server = Launched(self._binary, self._file, self.settings, slots, context, self._folder)
            if not self._wait(server, cancelled):
                words = server.last_words()
                self.close()
                if not self._was_ready:  # a file that never loaded will not load the next time either
                    raise failed_to_start(self._file, words)
                raise Broken(f"it did not start again: {words}")
            self._was_ready = True
        return self._server

    def _wait(self, server: Launched, cancelled: Callable[[], bool]) -> bool:
        try:
            return server.wait_until_ready(self.settings.start_seconds, cancelled, self._clock)
        except BaseException:
            self.close()
            raise

    def _after_fault(self, fault: str, faults: int, waiting: int) -> None:
        """Kill the server at once: one that stalled does not listen. Raises TeacherError after too many faults."""
        words = ""
        if self._server is not None:
            words = self._server.last_words()
            self._server.stop(deadline_s=0)
            self._server = None
        if faults > self.settings.restarts:
            detail = f"{self.model}: {fault}; restarted {self.settings.restarts} times, {waiting} questions unanswered. {words}"
            raise TeacherError(
                "The teacher stopped answering.", detail.strip(), "Every answer so far is kept: run again to go on."
            )
        self.restarts += 1

    def memory_mib(self) -> int:
        """Main memory that the server holds; 0 while there is none."""
        return process.memory_mib(self._server.process.pid) if self._server else 0

    def close(self) -> None:
        """End the server; the next question starts another."""
        if self._server is not None:
            self._server.stop()
            self._server = None
