"""Chat templates that come inside a model file. One of no known family is a foreign program: it is shown to the person first,
and run (in the server's sandbox) only when that person has allowed this very text.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from pada_local.errors import MissingError, UsageError
from pada_local.runtime import catalog, examine, registered


class Template(NamedTuple):
    """A chat template of no known family: its text, the text's SHA-256, and whether the user allowed it."""

    text: str
    sha256: str
    allowed: bool


def template_of(name: str) -> Template | None:
    """The template of an added model that needs leave; None when it needs none. Raises UsageError, MissingError."""
    model = registered.own(name)
    text = examine.own_template(_file(model))
    return Template(text, _digest(text), model.template == _digest(text)) if text else None


def allow_template(name: str, sha256: str) -> None:
    """Allow the template with this hash, as it was shown. Raises UsageError when the file holds another one, or none."""
    found = template_of(name)
    if found is None or found.sha256 != sha256:
        raise UsageError("This is not the hash of the model's chat template.", name, f"Look at it: pada models allow {name}")
    registered.allow_template(name, sha256)


def must_be_allowed(file: Path) -> None:
    """Raises MissingError unless the template in this GGUF file is of a known family or was allowed as it is now."""
    text = examine.own_template(file)
    if not text:
        return
    known = [model for model in registered.owned() if model.role == "teacher" and _file(model).resolve() == file.resolve()]
    if any(model.template == _digest(text) for model in known):
        return
    name = known[0].name if known else "NAME"
    add = "" if known else f"pada models add {file} --name NAME   and then   "
    raise MissingError(
        "The teacher's chat template has not been allowed.",
        f"{file} brings one of no known family, {len(text)} characters long. A template is a small program, and this one is not "
        "run before you have read it.",
        f"{add}pada models allow {name}",
    )


def _file(model: catalog.Model) -> Path:
    if model.role != "teacher":
        raise UsageError(f"{model.name} is a student.", "Students are prompted in a format of the project's own, by family.")
    return Path(model.path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
