"""The teacher's prompts: one Markdown file each, filled in by name; their hash is part of the stage key.

A prompt changed here makes the demo teacher stale: tests compare the hashes with those it was trained on.
"""

import hashlib
from functools import cache
from importlib import resources
from string import Template


@cache
def text(name: str) -> str:
    """The prompt's template as written. Raises FileNotFoundError when there is no such prompt."""
    return resources.files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").rstrip("\n")


def render(name: str, **fields: object) -> str:
    """The prompt with every `$field` filled in. Raises KeyError when one is missing; foreign `$` signs stay as they are."""
    return Template(text(name)).substitute({key: str(value) for key, value in fields.items()})


def fingerprint(name: str) -> str:
    """SHA-256 of the template, in hex."""
    return hashlib.sha256(text(name).encode()).hexdigest()


def names() -> tuple[str, ...]:
    """Every prompt there is, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".md") for file in files if file.name.endswith(".md")))
