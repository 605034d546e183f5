"""The Modelfile of a folder for Ollama: file, template, stop tokens, system text and greedy parameters."""

import json
from collections.abc import Sequence
from pathlib import Path

from pada_local.data.templates import OLLAMA
from pada_local.export.subject import Subject

MOST_CONTEXT = 8192
"""Tokens that Ollama sets memory aside for; its own default would cut long prompts without a word."""


def modelfile(subject: Subject, file: str, stops: Sequence[str]) -> str:
    """The text of the Modelfile."""
    lines = [f"FROM ./{file}", f"TEMPLATE {_long(OLLAMA[subject.chat])}"]
    lines += [f"SYSTEM {_long(subject.system)}"] if subject.system else []
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    lines += ["PARAMETER temperature 0", "PARAMETER top_k 1", "PARAMETER repeat_penalty 1",
              f"PARAMETER num_predict {subject.max_new_tokens}", f"PARAMETER num_ctx {_context(subject.base)}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _context(base: Path) -> int:
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    return min(int(config.get("max_position_embeddings") or MOST_CONTEXT), MOST_CONTEXT)


def _long(text: str) -> str:
    """A Modelfile's long quotes: nothing inside is an escape, so a text may not hold three quotes itself."""
    return '"""' + text.replace('"""', "'''") + '"""'
