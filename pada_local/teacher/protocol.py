"""What the loop asks a teacher and what it gets: a prompt and a schema in, a parsed answer or a reason out.

And what a person asks in the playground: a free prompt in, pieces of text out, as they come.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

THINKING_TOKENS = 2048
"""What a model may think in addition to its answer."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question. `schema` is a msgspec Struct type, None (in benchmarks only) leaves the text free; `max_tokens` bounds the
    answer; `seed` makes it repeatable.
    """

    purpose: str
    prompt: str
    schema: type | None
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


class Piece(msgspec.Struct, frozen=True):
    """A part of an answer that is told while it is written. `kind`:

    text; thought, of a model that thinks aloud first; rethought: the text so far was thought, and the answer begins here;
    note: what goes on meanwhile; end: the last piece, whose text says why the answer is not whole ("" when it is).
    """

    kind: str
    text: str = ""


class Heard(msgspec.Struct, frozen=True):
    """What the pieces so far make. `ended` is None while the answer goes on, then why it is not whole, or ""."""

    text: str = ""
    thought: str = ""
    note: str = ""
    ended: str | None = None


def hear(heard: Heard, piece: Piece) -> Heard:
    """What is heard after one more piece: a pure function, so that no two viewers can disagree."""
    match piece.kind:
        case "text":
            return msgspec.structs.replace(heard, text=heard.text + piece.text, note="")
        case "thought":
            return msgspec.structs.replace(heard, thought=heard.thought + piece.text, note="")
        case "rethought":
            return msgspec.structs.replace(heard, thought=heard.thought + heard.text, text="", note="")
        case "note":
            return msgspec.structs.replace(heard, note=piece.text)
        case "end":
            return msgspec.structs.replace(heard, ended=piece.text, note="")
    return heard


OnReply = Callable[[int, Reply], Sequence[Ask] | None]


class Backend(Protocol):
    """A running model that answers many questions at once."""

    model: str
    """Name and content hash: part of every call's key."""

    def ask_all(self, asks: Sequence[Ask], on_reply: OnReply, cancelled: Callable[[], bool]) -> None:
        """Answer all; `on_reply(position, reply)` is called once each, in any order, from the calling thread.

        What it returns is asked, too, after all others; the positions go on counting.

        Raises TeacherError when the model cannot be kept alive (after three restarts), Interrupted when cancelled.
        """

    def talk(self, prompt: str, max_tokens: int, over: Callable[[], bool]) -> Iterator[Piece]:
        """One free answer, piece by piece, in the model's own chat format; ends early when `over` says so.

        Thinking may take `THINKING_TOKENS` more. Raises TeacherError when the model does not answer.
        """

    def memory_mib(self) -> int: ...

    def close(self) -> None: ...
