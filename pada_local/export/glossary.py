"""What every number means that the program shows: by name, in plain English, with what it does not say (glossary.toml)."""

import tomllib
from functools import cache
from importlib import resources

from pada_local.errors import UsageError


@cache
def glossary() -> dict[str, str]:
    """All definitions by name, in the order of the file."""
    text = (resources.files("pada_local.export") / "glossary.toml").read_text(encoding="utf-8")
    return {name: " ".join(entry["text"].split()) for name, entry in tomllib.loads(text).items()}


def define(name: str) -> str:
    """The definition of a number. Raises UsageError for an unknown name."""
    wanted = _plain(name)
    for known, text in glossary().items():
        if wanted == _plain(known):
            return text
    raise UsageError(f"There is no number called {name!r}.", "Known are: " + ", ".join(glossary()) + ".")


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", " ").replace("_", " ")
