"""The user's own models: registered by path and hash in the user's data folder. The files stay where they are."""

import os
import re
from pathlib import Path

from pada_local.errors import MissingError, UsageError
from pada_local.runtime import catalog, places
from pada_local.runtime.catalog import Model
from pada_local.runtime.examine import Facts, examine_model, stamp

HEAD = "# Models that were added with: pada models add\n\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def add(path: Path, name: str = "") -> tuple[Model, Facts]:
    """Look at a model, hash its files and remember it. Raises MissingError (not to be trusted), UsageError (name is taken)."""
    path = Path(os.path.abspath(path.expanduser()))
    if not path.exists():
        raise MissingError("There is no such model.", str(path), "Give a GGUF file or a model folder.")
    facts = examine_model(path)
    name = name or re.sub(r"[^a-z0-9._-]+", "-", Path(facts.path).stem.lower()).strip("-.")
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a model.", "Lower-case letters, digits, - . and _.", "Name it with --name.")
    known = catalog.load_catalog()
    if name in known:
        raise UsageError(f"There is a model '{name}' already.", known[name].path, "Choose another with --name.")
    file = Path(facts.path)
    files = [file] if file.is_file() else sorted(one for one in file.iterdir() if one.is_file())
    parameters = f"{facts.parameters / 1e9:.2f}B" if facts.parameters >= 10**8 else f"{facts.parameters / 1e6:.1f}M"
    about = f"{facts.architecture}, {parameters} parameters, context {facts.context}"
    model = Model(
        name=name, role=facts.role, path=facts.path, about=about,
        sha256={one.name: catalog.sha256(one) for one in files}, stamps={one.name: stamp(one) for one in files},
    )  # fmt: skip
    _write([*_registered().values(), model])
    return model, facts


def remove(name: str) -> Model:
    """Forget a model; its files are not touched. Raises UsageError for one that the user did not add."""
    own = _registered()
    if name not in own:
        known = ", ".join(sorted(own)) or "none"
        raise UsageError(f"No model '{name}' was added.", f"Added models: {known}.", "Models that ship are not removed.")
    _write([model for model in own.values() if model.name != name])
    return own[name]


def _registered() -> dict[str, Model]:
    return catalog.read_catalog(places.user_folder() / catalog.USER_FILE)


def _write(models: list[Model]) -> None:
    """The whole list at once: a file is never half written."""
    file = places.user_folder() / catalog.USER_FILE
    draft = file.with_suffix(".new")
    draft.write_text(HEAD + "\n".join(catalog.as_toml(model) for model in models), encoding="utf-8")
    os.replace(draft, file)
