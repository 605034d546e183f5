"""What the loop asks a teacher and what it gets: a prompt and a schema in, a parsed answer or a reason out."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question. `schema` is a msgspec Struct type; `max_tokens` bounds the answer; `seed` makes it repeatable."""

    purpose: str
    prompt: str
    schema: type
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The raw text that came back. `state`: ok, cut (ran into max_tokens) or failed; `reason` says why when not ok."""

    text: str
    state: str = "ok"
    reason: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    elapsed_s: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed answer (`value` is an instance of the schema) or None with the reason; `call_key` finds the stored call."""

    value: Any
    call_key: str
    reason: str = ""


class Backend(Protocol):
    """A running model that answers many questions at once."""

    model: str
    """Name and content hash: part of every call's key."""

    def ask_all(self, asks: Sequence[Ask], on_reply: Callable[[int, Reply], None], cancelled: Callable[[], bool]) -> None:
        """Answer all; `on_reply(position, reply)` is called once each, in any order, from the calling thread.

        Raises TeacherError when the model cannot be kept alive (after three restarts), Interrupted when cancelled.
        """

    def memory_mib(self) -> int: ...

    def close(self) -> None: ...
