"""A teacher that never asks twice: answers are looked up in the project by content key, and kept as they come.

The file is written every few replies, so that a killed run loses no more than those. Text that cannot be parsed is an
answer too and is kept with its reason; it gets one attempt at repair, which is a stored call of its own. A question that
got no answer at all (the server refused it, the transport failed) is never stored and will be asked again.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from pada_local import prompts
from pada_local.records import Prompt, Row, TeacherCall, content_id
from pada_local.teacher.parse import parse, storable
from pada_local.teacher.protocol import Answer, Ask, Backend, Reply
from pada_local.teacher.schemas import json_schema, shape

FLUSH_REPLIES = 16
FLUSH_SECONDS = 0.5
LOOKUP_KEYS = 500
REPAIR_BYTES = 8000
"""Longer broken text is not sent back: it would not fit a small model's context, and is rarely worth it."""


def call_key(model: str, ask: Ask) -> str:
    """What makes two questions the same; `purpose` does not."""
    settings = [ask.max_tokens, ask.temperature, ask.seed]
    # The schema goes in as text: field order matters to the model, and a hash of sorted keys would not see it.
    return content_id("call", model, storable(ask.prompt, 2**31), msgspec.json.encode(json_schema(ask.schema)).decode(), settings)


def repair_ask(ask: Ask, broken: str) -> Ask:
    """The question that asks for the same content as correct JSON."""
    prompt = prompts.render("repair", shape=shape(ask.schema), text=broken)
    return msgspec.structs.replace(ask, purpose="repair", prompt=prompt, temperature=0.0)


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

    def ask_all(self, asks: Sequence[Ask], on_progress: Callable[[int], None] | None = None) -> list[Answer]:
        """Answers in the order of the questions. Raises TeacherError or Interrupted with all that came committed."""
        keys = [call_key(self.name, ask) for ask in asks]
        copies = Counter(keys)
        unsettled = sum(copies.values())

        def settled(key: str) -> None:
            nonlocal unsettled
            unsettled -= copies[key]
            if on_progress is not None:
                on_progress(len(asks) - unsettled)

        wanted = dict(zip(keys, asks, strict=True))
        calls, refused = self._calls(wanted, {}, settled)
        repairs = self._repairs(wanted, calls) if self._repair else {}
        fixed, _ = self._calls({key: ask for key, ask in repairs.values()}, {new: old for old, (new, _) in repairs.items()})
        answers = {}
        for key, ask in wanted.items():
            new = repairs[key][0] if key in repairs else ""
            answers[key] = self._answer(key, ask, calls.get(key), fixed.get(new), refused.get(key, ""))
        return [answers[key] for key in keys]

    def _answer(self, key: str, ask: Ask, call: TeacherCall | None, fixed: TeacherCall | None, trouble: str) -> Answer:
        """The parsed answer, from the repaired call when there is one: `call_key` leads to the text that was parsed."""
        if call is None:
            self.counts["failed"] += 1
            return Answer(value=None, call_key=key, reason=trouble)
        if call.state == "ok":
            value, reason = parse(call.answer, ask.schema)
            return Answer(value=value, call_key=key, reason=reason)
        if fixed is not None and fixed.state == "ok":
            self.counts["repaired"] += 1
            value, reason = parse(fixed.answer, ask.schema)
            return Answer(value=value, call_key=fixed.key, reason=reason)
        self.counts["unparsable"] += 1
        return Answer(value=None, call_key=key, reason=call.reason)

    def _repairs(self, wanted: dict[str, Ask], calls: dict[str, TeacherCall]) -> dict[str, tuple[str, Ask]]:
        """For every call that cannot be parsed: the key and the question of its repair."""
        found = {}
        for key, call in calls.items():
            if call.state == "unparsable" and call.answer.strip() and len(call.answer.encode()) <= REPAIR_BYTES:
                ask = repair_ask(wanted[key], call.answer)
                found[key] = (call_key(self.name, ask), ask)
        return found

    def _calls(
        self, wanted: dict[str, Ask], repairs: dict[str, str], settled: Callable[[str], None] = lambda key: None
    ) -> tuple[dict[str, TeacherCall], dict[str, str]]:
        """The stored calls of all keys, those missing asked for now; and the reasons of those that were not answered."""
        calls, refused = self._stored(list(wanted)), {}
        self.counts["found"] += len(calls)
        for key in calls:
            settled(key)
        missing = [key for key in wanted if key not in calls]

        def arrived(position: int, reply: Reply) -> None:
            key = missing[position]
            if reply.state == "failed":
                refused[key] = reply.reason or "The model gave no answer."
            else:
                calls[key] = self._keep(key, wanted[key], reply, repairs.get(key, ""))
            settled(key)

        if missing:
            try:
                self._open().ask_all([wanted[key] for key in missing], arrived, self._tick)
            finally:
                self._flush()
        return calls, refused

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
