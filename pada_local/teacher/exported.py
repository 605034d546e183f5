"""A GGUF file that was just written, asked as its users will ask it: through llama-server, greedily, one question at a time."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pada_local.errors import TeacherError
from pada_local.teacher import unixhttp
from pada_local.teacher.launch import Launched, find_server
from pada_local.teacher.settings import Settings

ANSWER_SECONDS = 900.0
GREEDY = {"temperature": 0, "top_k": 1, "cache_prompt": False, "seed": 0}


class Said(msgspec.Struct, frozen=True):
    """An answer, the tokens of its prompt as the server counted them, and whether the model ended it by itself."""

    text: str
    prompt_tokens: int
    ended: bool


class Exported:
    """The server of one file, with its own chat template. `lora`: an adapter on top of it. Use as a context manager.

    `exact`: keys and values are kept in float32 and not, as servers do, in 16 bits: what is left to differ is the file.

    Raises TeacherError when the file cannot be loaded, MissingError when the server was not built.
    """

    def __init__(self, model: Path, context: int, folder: Path, lora: Path | None = None,
                 exact: bool = False, cancelled: Callable[[], bool] = lambda: False) -> None:  # fmt: skip
        settings = Settings(family="")  # none that is built in: the template inside the file is what is looked at
        more = ["--lora", str(lora)] if lora else []
        more += ["--cache-type-k", "f32", "--cache-type-v", "f32", "--flash-attn", "off"] if exact else []
        self._model = model
        self._server = Launched(find_server(), model.absolute(), settings, 1, context, folder, more)
        try:
            if not self._server.wait_until_ready(settings.start_seconds, cancelled, time.monotonic):
                detail = f"{model.name}: {self._server.last_words() or 'no message'}"
                raise TeacherError("llama-server could not load the exported file.", detail, "Look at the free memory.")
        except BaseException:
            self._server.stop()
            raise

    def __enter__(self) -> "Exported":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def chat(self, messages: Sequence[dict[str, str]], max_tokens: int) -> Said:
        """The answer to a conversation, through the file's own template."""
        found = self._ask("/v1/chat/completions", {"messages": list(messages), "max_tokens": max_tokens, **GREEDY})
        choice, used = found["choices"][0], found["usage"]
        return Said(choice["message"]["content"] or "", used["prompt_tokens"], choice["finish_reason"] == "stop")

    def next_tokens(self, ids: Sequence[int], max_tokens: int) -> list[int]:
        """The ids that follow these ids."""
        body = {"prompt": list(ids), "n_predict": max_tokens, "return_tokens": True, **GREEDY}
        return [int(token) for token in self._ask("/completion", body)["tokens"]]

    def render(self, messages: Sequence[dict[str, str]]) -> str:
        """The prompt that the file's template makes of a conversation."""
        return str(self._ask("/apply-template", {"messages": list(messages)})["prompt"])

    def tokenize(self, text: str, begin: bool = False) -> list[int]:
        """Ids of a text; `begin`: with the begin token where the file asks for one."""
        body = {"content": text, "add_special": begin, "parse_special": True}
        return [int(token) for token in self._ask("/tokenize", body)["tokens"]]

    def _ask(self, target: str, body: dict[str, Any]) -> dict[str, Any]:
        server = self._server
        status, answer = unixhttp.simple(server.socket, "POST", target, server.key, body, ANSWER_SECONDS)
        if status != 200:
            what = answer.decode("utf-8", "replace")[:300] or server.last_words()
            raise TeacherError("The exported file was loaded and did not answer.", f"{self._model.name}, {target}: {what}")
        return json.loads(answer)
