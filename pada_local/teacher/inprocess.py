"""llama.cpp inside this process, one question at a time: for machines where the native server was not built."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pada_local.errors import Interrupted, MissingError, TeacherError
from pada_local.runtime import process
from pada_local.teacher.launch import BUILD, failed_to_start
from pada_local.teacher.protocol import THINKING_TOKENS, Ask, OnReply, Piece, Reply
from pada_local.teacher.schemas import json_schema
from pada_local.teacher.settings import SAMPLING, Settings, context_for, harmless, identity
from pada_local.teacher.stream import STOPPED, TOO_MANY
from pada_local.teacher.thinking import Thoughts

FORMATS = {"chatml": "chatml", "llama2": "llama-2", "llama3": "llama-3", "gemma": "gemma", "zephyr": "zephyr"}
"""Families that this package has built in, under its own names; for others it runs the model file's template, sandboxed."""


def _ranges_as_lists(node: Any) -> Any:
    """Integers between two numbers as a list of values: the Python converter silently ignores minimum and maximum."""
    if isinstance(node, list):
        return [_ranges_as_lists(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "integer" and "minimum" in node and "maximum" in node:
        return {"enum": list(range(node["minimum"], node["maximum"] + 1))}
    return {key: _ranges_as_lists(value) for key, value in node.items()}


@cache
def _grammar(answer: type) -> Any:
    """The grammar of an answer. Made here, since `response_format` falls back to any JSON when a schema cannot be converted."""
    from llama_cpp.llama_grammar import LlamaGrammar, json_schema_to_gbnf

    schema = json.dumps(_ranges_as_lists(json_schema(answer)))
    return LlamaGrammar.from_string(json_schema_to_gbnf(schema, prop_order=[]), verbose=False)


class InProcess:
    """A model file opened by llama-cpp-python with the first question. Raises MissingError without package or model."""

    def __init__(self, model: Path, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.model = identity(model, self.settings.family, self.settings.cache)
        self._file, self._llama, self._context = model.absolute(), None, 0

    def ask_all(self, asks: Sequence[Ask], on_reply: OnReply, cancelled: Callable[[], bool]) -> None:
        """See `Backend`."""
        llama, line = self._open(self.settings.context or context_for(list(asks))), list(asks)
        for position, ask in enumerate(line):  # the line grows while it is gone along
            if self.settings.reproducible:
                llama.reset()
            line += on_reply(position, self._ask(llama, ask, cancelled)) or []

    def _ask(self, llama: Any, ask: Ask, cancelled: Callable[[], bool]) -> Reply:
        started, parts, finish = time.monotonic(), [], ""
        messages = [{"role": "user", "content": harmless(ask.prompt)}]
        try:
            stream = llama.create_chat_completion(
                messages, max_tokens=ask.max_tokens, temperature=ask.temperature, seed=ask.seed % (2**32 - 1), stream=True,
                grammar=_grammar(ask.schema), **SAMPLING,
            )  # fmt: skip
            for chunk in stream:
                if cancelled():
                    raise Interrupted("The run was paused.", "Every answer that came is kept.", "Run it again to go on.")
                choice = chunk["choices"][0]
                parts.append(choice["delta"].get("content") or "")
                finish = choice["finish_reason"] or finish
        except ValueError as error:  # the prompt is longer than the context
            return Reply(text="", state="failed", reason=f"The model refused the question: {error}"[:240])
        except RuntimeError as error:
            fix = "Every answer so far is kept: run again to go on."
            raise TeacherError("The teacher stopped answering.", f"{self.model}: {error}", fix) from None
        cut = finish == "length"
        return Reply(
            text="".join(parts), state="cut" if cut else "ok", reason="It was cut off at max_tokens." if cut else "",
            prompt_tokens=max(0, llama.n_tokens - len(parts)), answer_tokens=len(parts), elapsed_s=time.monotonic() - started,
        )  # fmt: skip

    def talk(self, prompt: str, max_tokens: int, over: Callable[[], bool]) -> Iterator[Piece]:
        """See `Backend`."""
        limit = max_tokens + THINKING_TOKENS
        asked = Ask(purpose="talk", prompt=prompt, schema=type(None), max_tokens=limit)
        llama = self._open(self.settings.context or context_for([asked]))
        thoughts, finish = Thoughts(), ""
        messages = [{"role": "user", "content": harmless(prompt)}]
        try:
            for chunk in llama.create_chat_completion(
                messages, max_tokens=limit, temperature=0.0, seed=0, stream=True, **SAMPLING
            ):
                choice = chunk["choices"][0]
                yield from thoughts.take(choice["delta"].get("content") or "")
                finish = choice["finish_reason"] or finish
                if over():
                    break
        except ValueError as error:  # the prompt is longer than the context
            raise TeacherError("The prompt is too long for the teacher.", str(error)[:200], "Shorten it.") from None
        except RuntimeError as error:
            raise TeacherError("The teacher stopped answering.", f"{self.model}: {error}", "Ask again.") from None
        yield from thoughts.rest()
        yield Piece("end", TOO_MANY if finish == "length" else "" if finish else STOPPED)

    def _open(self, context: int) -> Any:
        """The opened model, opened again when it needs more context. Raises MissingError, TeacherError."""
        if self._llama is not None and self._context >= context:
            return self._llama
        self.close()
        try:
            from llama_cpp import GGML_TYPE_Q8_0, Llama
        except (ImportError, OSError, RuntimeError) as error:
            raise MissingError("llama.cpp is not installed.", str(error), BUILD) from None
        chat_format = FORMATS.get(self.settings.family)
        eight = self.settings.cache == "q8_0"
        cache = {"type_k": GGML_TYPE_Q8_0, "type_v": GGML_TYPE_Q8_0, "flash_attn": True} if eight else {}
        try:
            self._llama = Llama(
                str(self._file), n_ctx=context, n_threads=self.settings.threads_for(self._file), n_gpu_layers=-1,
                chat_format=chat_format, verbose=False, **cache,
            )  # fmt: skip
        except (ValueError, RuntimeError) as error:
            raise failed_to_start(self._file, str(error)) from None
        self._context = context
        return self._llama

    def memory_mib(self) -> int:
        """This process's memory while the model is open: it cannot be told apart."""
        return process.memory_mib(os.getpid()) if self._llama is not None else 0

    def close(self) -> None:
        """Give the model's memory back."""
        if self._llama is not None:
            self._llama.close()
            self._llama = None
