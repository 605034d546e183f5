"""How a local model is run, and what identifies it. Shared by the server and the in-process backend."""

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

import msgspec

from pada_local import recipe
from pada_local.errors import MissingError
from pada_local.runtime import memory
from pada_local.runtime.cache import NUMBER_BYTES, type_in_use
from pada_local.runtime.examine import gguf_shape
from pada_local.teacher.protocol import Ask

SAMPLING = {"top_k": 40, "top_p": 0.95, "min_p": 0.05}
"""Written into every request, so that another version's defaults change nothing."""

FAMILIES = frozenset({
    "chatml", "command-r", "deepseek3", "exaone3", "exaone4", "falcon3", "gemma", "gpt-oss", "granite", "llama2", "llama3",
    "llama4", "mistral-v1", "mistral-v3", "mistral-v3-tekken", "mistral-v7", "mistral-v7-tekken", "phi3", "phi4", "vicuna",
    "zephyr",
})  # fmt: skip
"""Chat formats that llama-server has built in; for these the template inside the model file is never run."""

TINY_BYTES = 32 * 2**20
"""Model files below this run on one thread unless told otherwise."""

MOST_SLOTS, MOST_SLOTS_ON_CARD, TINY_SLOTS, FEWEST_SLOTS = 32, 16, 8, 2
"""Measured on a processor: tokens a second still rise from 16 to 32 slots, and hardly beyond (docs/performance.md)."""

_CONTROL = re.compile(r"<(?=[|｜][\w▁]{1,40}[|｜]>|/?s>|/?(?:start|end)_of_turn>)|\[(?=/?INST\])")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """0 means: choose. `family` is the chat format; an unknown one uses the template of the model file (sandboxed there).

    `cache_type` is the wish; `cache` is what it comes to here. `draft`: a GGUF with the same vocabulary that guesses ahead.
    """

    family: str = "chatml"
    slots: int = 0
    context: int = 0
    threads: int = 0
    stall_seconds: float = 60.0
    restarts: int = 3
    start_seconds: float = 600.0
    reproducible: bool = False
    cache_type: str = "f16"
    draft: Path | None = None

    @property
    def cache(self) -> str:
        """The type of the cache's numbers that is used: part of the model's identity when it is not f16."""
        return type_in_use(self.cache_type, self.context, self.cache_type != "f16" and bool(memory.gpus()))

    @classmethod
    def of(cls, used: recipe.Recipe, family: str = "chatml", draft: Path | None = None) -> "Settings":
        """The recipe's teacher section; `draft` is where the file of its draft model lies.

        A reproducible run has none: guesses are checked several at a time, and so rounded otherwise than one by one.
        """
        section = used.teacher
        return cls(
            family=family, slots=section.slots, context=section.context, threads=section.threads, restarts=section.restarts,
            stall_seconds=section.stall_seconds, reproducible=used.loop.reproducible,
            cache_type=section.cache_type, draft=None if used.loop.reproducible else draft,
        )  # fmt: skip

    def slots_for(self, model: Path, context: int) -> int:
        """Requests at once, each with `context` tokens: as many as answers still get faster with, fewer when memory is tight.

        One when reproducible. A third of the free memory may go to the cache, so that the student still has room.
        """
        if self.reproducible:
            return 1
        if self.slots:
            return self.slots
        most, size = MOST_SLOTS, model.stat().st_size
        cards = memory.gpus()
        if cards:
            most, free = MOST_SLOTS_ON_CARD, max(card.free_mib for card in cards)
        elif size < TINY_BYTES:
            return TINY_SLOTS
        else:
            free = memory.available_mib()
        each = _slot_bytes(model, context, NUMBER_BYTES[self.cache])
        if self.draft is not None:
            size += self.draft.stat().st_size
            each += _slot_bytes(self.draft, context, NUMBER_BYTES["f16"])
        room = (free * 2**20 - size) // 3
        return max(FEWEST_SLOTS, min(most, room // max(1, each)))

    def threads_for(self, model: Path) -> int:
        """CPU threads. One for a tiny model: waiting for each other costs its threads more than they share (measured)."""
        if self.threads:
            return self.threads
        if model.stat().st_size < TINY_BYTES:
            return 1
        return os.cpu_count() or 1 if self.reproducible else len(os.sched_getaffinity(0))


def _slot_bytes(model: Path, context: int, number_bytes: float) -> int:
    """The cache of one slot; a guess from the file's size where its header does not say enough."""
    try:
        shape = gguf_shape(model)
    except MissingError:
        shape = None
    return shape.cache_bytes(context, number_bytes) if shape else model.stat().st_size // 16


def context_for(asks: list[Ask]) -> int:
    """Tokens per slot that probably hold these questions and their answers: a power of two or half more, at least 1,024.

    A third of the bytes is more tokens than ordinary text has; a prompt of rarer text is refused by the server with its
    true length, and then the context grows to that.
    """
    longest = max((len(ask.prompt.encode("utf-8", "replace")) // 3 + ask.max_tokens for ask in asks), default=0) + 64
    power = 1 << (max(1024, longest) - 1).bit_length()
    return power * 3 // 4 if longest <= power * 3 // 4 and power > 1024 else power


def harmless(prompt: str) -> str:
    """The prompt with control markers broken up: data inside it must not be able to open a chat turn of its own."""
    return _CONTROL.sub(lambda found: found[0] + " ", prompt).replace("\0", " ").encode("utf-8", "replace").decode()


def identity(model: Path, family: str = "chatml", cache: str = "f16") -> str:
    """What names a model in every call's key: file name, start of its SHA-256, chat format, and the type of its cache when
    that is not f16. A draft model is not in it, as little as the number of slots: both change roundings and nothing else.

    Raises MissingError.
    """
    try:
        facts = model.stat()
        start = _sha256(str(model.resolve()), facts.st_size, facts.st_mtime_ns)[:16]
        return f"{model.stem}@{start}+{family or 'own'}{'' if cache == 'f16' else f'+{cache}'}"
    except OSError as error:
        fix = "Give the path of a GGUF file, or build the demo's models (see README)."
        raise MissingError("The teacher's model file cannot be read.", f"{model}: {error.strerror}", fix) from None


@lru_cache(maxsize=16)
def _sha256(path: str, size: int, changed_ns: int) -> str:
    """SHA-256 of a file; size and time of change are only there so that a changed file is read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
