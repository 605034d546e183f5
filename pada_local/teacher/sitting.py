"""The books of one `ask_all`: which questions there are, what came, and what can be asked now that it came.

Two things can be asked before all answers are there: the repair of a text that cannot be read, and what the caller says in
`then`, such as a later stage's questions about an answer. This asks nothing and stores nothing itself (see `teacher.asking`).
"""

from collections.abc import Callable, Sequence

import msgspec

from pada_local import prompts
from pada_local.records import TeacherCall, content_id
from pada_local.teacher.parse import parse, storable
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import json_schema, shape

REPAIR_BYTES = 8000
"""Longer broken text is not sent back: it would not fit a small model's context, and is rarely worth it."""

Then = Callable[[int, Answer], Sequence[Ask]]
"""Called with every position and its final answer, in the order of the questions; returns what can be asked now."""


def call_key(model: str, ask: Ask) -> str:
    """What makes two questions the same; `purpose` does not."""
    settings = [ask.max_tokens, ask.temperature, ask.seed]
    # The schema goes in as text: field order matters to the model, and a hash of sorted keys would not see it.
    return content_id("call", model, storable(ask.prompt, 2**31), msgspec.json.encode(json_schema(ask.schema)).decode(), settings)


def repair_ask(ask: Ask, broken: str) -> Ask:
    """The question that asks for the same content as correct JSON."""
    prompt = prompts.render("repair", shape=shape(ask.schema), text=broken)
    return msgspec.structs.replace(ask, purpose="repair", prompt=prompt, temperature=0.0)


class Sitting:
    """`keys` are those of the questions in their order; `known` holds every question by its key, also those that came later."""

    def __init__(self, model: str, asks: Sequence[Ask], repair: bool, then: Then | None) -> None:
        self.keys = [call_key(model, ask) for ask in asks]
        self.known = dict(zip(self.keys, asks, strict=True))
        self.calls: dict[str, TeacherCall] = {}
        self.refused: dict[str, str] = {}
        self.repaired_by: dict[str, str] = {}
        self.repair_of: dict[str, str] = {}
        self._model, self._repair, self._then = model, repair, then
        self._fresh: list[str] = []
        self._told = 0

    def take(self, key: str, call: TeacherCall) -> None:
        """A call that came or was found."""
        self.calls[key] = call
        self._fresh.append(key)

    def refuse(self, key: str, reason: str) -> None:
        """A question that got no answer."""
        self.refused[key] = reason

    def repairs(self) -> dict[str, Ask]:
        """Repairs of what was taken since this was asked last."""
        found: dict[str, Ask] = {}
        for key in self._fresh:
            if self._wants_repair(key):
                ask = repair_ask(self.known[key], self.calls[key].answer)
                new = call_key(self._model, ask)
                self.repaired_by[key], self.repair_of[new] = new, key
                found |= self._add(new, ask)
        self._fresh.clear()
        return found

    def due(self) -> dict[str, Ask]:
        """What can be asked now and was not named before: repairs, then what `then` says to answers that are final."""
        found = self.repairs()
        while self._then is not None and self._told < len(self.keys) and self._is_final(self.keys[self._told]):
            position, self._told = self._told, self._told + 1
            for ask in self._then(position, self.answer(self.keys[position])):
                found |= self._add(call_key(self._model, ask), ask)
        return found

    def _add(self, key: str, ask: Ask) -> dict[str, Ask]:
        if key in self.known:
            return {}
        self.known[key] = ask
        return {key: ask}

    def _wants_repair(self, key: str) -> bool:
        """One attempt for a text that cannot be read; a repair that cannot be read either is let be."""
        call = self.calls[key]
        if not self._repair or key in self.repair_of or call.state != "unparsable":
            return False
        return bool(call.answer.strip()) and len(call.answer.encode()) <= REPAIR_BYTES

    def _is_final(self, key: str) -> bool:
        new = self.repaired_by.get(key, key)
        return all(one in self.calls or one in self.refused for one in (key, new))

    def answer(self, key: str) -> Answer:
        """The parsed answer, from the repaired call when there is one: `call_key` leads to the text that was parsed."""
        call, fixed = self.calls.get(key), self.calls.get(self.repaired_by.get(key, ""))
        if call is None:
            return Answer(value=None, call_key=key, reason=self.refused.get(key, ""))
        if call.state != "ok" and fixed is not None and fixed.state == "ok":
            call = fixed
        if call.state != "ok":
            return Answer(value=None, call_key=key, reason=call.reason)
        value, reason = parse(call.answer, self.known[key].schema)
        return Answer(value=value, call_key=call.key, reason=reason)

    def tally(self, key: str) -> str:
        """What became of a question: answered, repaired, unparsable or failed."""
        call, fixed = self.calls.get(key), self.calls.get(self.repaired_by.get(key, ""))
        if call is None:
            return "failed"
        if call.state == "ok":
            return "answered"
        return "repaired" if fixed is not None and fixed.state == "ok" else "unparsable"
