"""A teacher that never asks twice: answers are looked up in the project by content key, and kept as they come.

The file is written every few replies, so that a killed run loses no more than those. Text that cannot be parsed is an
answer too and is kept with its reason; it gets one attempt at repair, which is a stored call of its own. A question that
got no answer at all (the server refused it, the transport failed) is never stored and will be asked again.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pada_local.records import Prompt, Row, TeacherCall, content_id
from pada_local.teacher.parse import parse, storable
from pada_local.teacher.protocol import Answer, Ask, Backend, Reply
from pada_local.teacher.sitting import Sitting, Then

FLUSH_REPLIES = 16
FLUSH_SECONDS = 0.5
LOOKUP_KEYS = 500

AnyRow = TypeVar("AnyRow", bound=Row)


class Rows(Protocol):
    """The part of `context.Rows` that is needed here; the context stands above this package and cannot be imported."""

    def put(self, *rows: Row) -> None: ...

    def get(self, kind: type[AnyRow], **where: Any) -> list[AnyRow]: ...


class CachedTeacher:
    """Implements `context.Teacher`.

    `name` is the model's identity (`settings.identity`), known before anything is loaded; `backend_factory` is called when
    the first answer is missing. `counts`: asked, found, repaired, unparsable, failed, prompt_tokens, answer_tokens.
    """

    def __init__(
        self,
        rows: Rows,
        backend_factory: Callable[[], Backend],
        name: str,
        repair: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.counts = name, Counter[str]()
        self._rows, self._factory, self._repair, self._cancelled, self._clock = rows, backend_factory, repair, cancelled, clock
        self._backend: Backend | None = None
        self._waiting: list[tuple[Prompt, TeacherCall]] = []
        self._flushed_at = clock()

    def ask_all(
        self, asks: Sequence[Ask], on_progress: Callable[[int], None] | None = None, then: Then | None = None
    ) -> list[Answer]:
        """Answers in the order of the questions. Raises TeacherError or Interrupted with all that came committed.

        `then` may name further questions while the model is asked anyway; their answers are stored and found later. It is not
        called when every answer is known already.
        """
        sitting = Sitting(self.name, asks, self._repair, then)
        copies = Counter(sitting.keys)
        unsettled = sum(copies.values())

        def settled(key: str) -> None:
            nonlocal unsettled
            unsettled -= copies[key]
            if key in copies and on_progress is not None:
                on_progress(len(asks) - unsettled)

        for key, call in self._find(list(sitting.known)).items():
            sitting.take(key, call)
            settled(key)
        self._ask_missing(sitting, settled)
        self.counts.update(what for key in dict.fromkeys(sitting.keys) if (what := sitting.tally(key)) != "answered")
        return [sitting.answer(key) for key in sitting.keys]

    def _ask_missing(self, sitting: Sitting, settled: Callable[[str], None]) -> None:
        """Ask what is not stored, and what follows from the answers while they come."""
        line = [key for key in sitting.known if key not in sitting.calls]

        def arrived(position: int, reply: Reply) -> list[Ask]:
            key = line[position]
            if reply.state == "failed":
                sitting.refuse(key, reply.reason or "The model gave no answer.")
            else:
                sitting.take(key, self._keep(key, sitting.known[key], reply, sitting.repair_of.get(key, "")))
            settled(key)
            following = self._following(sitting, sitting.due)
            line.extend(following)
            return [sitting.known[key] for key in following]

        line += self._following(sitting, sitting.repairs)
        if not line:
            return
        line += self._following(sitting, sitting.due)
        try:
            self._open().ask_all([sitting.known[key] for key in line], arrived, self._tick)
        finally:
            self._flush()

    def _following(self, sitting: Sitting, questions: Callable[[], dict[str, Ask]]) -> list[str]:
        """Keys of what can be asked now; what is stored of it is taken at once, and may lead to more."""
        missing: list[str] = []
        while due := questions():
            found = self._find(list(due))
            for key, call in found.items():
                sitting.take(key, call)
            missing += [key for key in due if key not in found]
        return missing

    def _find(self, keys: list[str]) -> dict[str, TeacherCall]:
        calls = self._stored(keys)
        self.counts["found"] += len(calls)
        return calls

    def _stored(self, keys: list[str]) -> dict[str, TeacherCall]:
        found: dict[str, TeacherCall] = {}
        for start in range(0, len(keys), LOOKUP_KEYS):
            found.update((call.key, call) for call in self._rows.get(TeacherCall, key=keys[start : start + LOOKUP_KEYS]))
        return found

    def _keep(self, key: str, ask: Ask, reply: Reply, repairs: str) -> TeacherCall:
        """The reply as a row, written with the next few."""
        answer = storable(reply.text)
        value, reason = parse(reply.text, ask.schema)
        if value is not None and answer != reply.text:  # what is kept must be what counts
            value, reason = parse(answer, ask.schema)
        if value is None and reply.state == "cut":
            reason = f"{reply.reason} {reason}".strip()
        prompt = storable(ask.prompt, 2**31)
        settings = {"schema": ask.schema.__name__, "max_tokens": ask.max_tokens, "temperature": ask.temperature, "seed": ask.seed}
        call = TeacherCall(
            key=key, prompt_id=content_id("prompt", prompt), model=self.name, purpose=ask.purpose,
            settings=settings | ({"repairs": repairs} if repairs else {}), answer=answer,
            state="unparsable" if value is None else "ok", reason=reason, prompt_tokens=reply.prompt_tokens,
            answer_tokens=reply.answer_tokens, elapsed_s=reply.elapsed_s,
        )  # fmt: skip
        self.counts.update(asked=1, prompt_tokens=reply.prompt_tokens, answer_tokens=reply.answer_tokens)
        self._waiting.append((Prompt(id=call.prompt_id, text=prompt), call))
        self._flush_when_due()
        return call

    def _tick(self) -> bool:
        """What the backend calls between replies: the moment to write what has waited long enough, and to be stopped."""
        self._flush_when_due()
        return self._cancelled()

    def _flush_when_due(self) -> None:
        if len(self._waiting) >= FLUSH_REPLIES or (self._waiting and self._clock() - self._flushed_at >= FLUSH_SECONDS):
            self._flush()

    def _flush(self) -> None:
        """Write prompts and calls together. What cannot be written stays waiting, and the store's error goes up."""
        if self._waiting:
            self._rows.put(*[prompt for prompt, _ in self._waiting], *[call for _, call in self._waiting])
            self._waiting.clear()
        self._flushed_at = self._clock()

    def _open(self) -> Backend:
        if self._backend is None:
            self._backend = self._factory()
            if self._backend.model != self.name:
                raise ValueError(f"this teacher is called {self.name!r} and its backend {self._backend.model!r}")
        return self._backend

    def memory_mib(self) -> int:
        """Main memory that the model holds; 0 while it is not loaded."""
        return self._backend.memory_mib() if self._backend else 0

    def close(self) -> None:
        """Write what waits and end the model. It is loaded again when another answer is missing."""
        backend, self._backend = self._backend, None
        try:
            self._flush()
        finally:
            if backend is not None:
                backend.close()
