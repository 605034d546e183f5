"""The models that can be named, and the user's own among them: registered by path and hash. The files stay where they are."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from pada_local.errors import MissingError, UsageError
from pada_local.runtime import catalog, places
from pada_local.runtime.catalog import Model
from pada_local.runtime.examine import Facts, examine_model, stamp

HEAD = "# Models that were added with: pada models add\n\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Tell = Callable[[int, int], None]
"""Is told bytes hashed so far and bytes in all; what it raises ends the work, and nothing is kept of it."""


class Installed(msgspec.Struct, frozen=True):
    """A model that can be named, where it lies, whether the user added it, and what is wrong with its files."""

    model: Model
    path: Path
    own: bool
    problems: list[str]


def installed() -> list[Installed]:
    """Every model that can be named; the user's own first. Files whose size and time have changed are hashed."""
    added, home = _registered(), places.models_folder()
    models = catalog.load_catalog().values()
    return [Installed(one, home / one.path, one == added.get(one.name), catalog.problems(one)) for one in models]


def verify(name: str = "", tell: Tell | None = None) -> dict[str, list[str]]:
    """Hash every file of one model, or of all: what is wrong, by model. Raises UsageError for a name that is not known."""
    models = catalog.load_catalog()
    if name and name not in models:
        raise UsageError(f"There is no model '{name}'.", "Known: " + ", ".join(sorted(models)) + ".")
    wanted = [models[name]] if name else list(models.values())
    homes = [(places.models_folder() / model.path, model.sha256) for model in wanted]
    step = _steps((home / file if home.is_dir() else home for home, files in homes for file in files), tell)
    return {model.name: catalog.problems(model, thorough=True, step=step) for model in wanted}


def _steps(files: Iterable[Path], tell: Tell | None) -> Callable[[int], None]:
    """What hashing these files calls with each block's bytes."""
    total, done = sum(file.stat().st_size for file in files if file.is_file()), 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if tell is not None:
            tell(done, total)

    return step


def described(model: Model, facts: Facts) -> list[str]:
    """What a person is told of a model: sentences without the colour of any screen."""
    own = facts.kind == "gguf" and facts.template == "plain"
    return [
        f"{model.name}: {model.about}, {facts.bytes / 2**20:.0f} MiB, {facts.kind}",
        f"chat template: {TEMPLATES.get(facts.template, facts.template)}; licence: {facts.licence or 'not said'}",
        *(f"as {role}: {facts.fits.get(role) or OTHER_KIND[facts.kind]}" for role in ("student", "teacher", "judge")),
        *([f"its chat template is of no known family and must be read and allowed first: pada models allow {model.name}"] * own),
    ]


TEMPLATES = {"none": "none in the file (prompts are written as chatml)"}
"""What is said of a chat template's family where its name says too little."""

OTHER_KIND = {"gguf": "no: only a folder of Transformers weights can be trained", "folder": "no: that takes a GGUF file"}
"""Why a model of one kind has no verdict in the other's roles."""


def add(path: Path, name: str = "", tell: Tell | None = None) -> tuple[Model, Facts]:
    """Look at a model, hash its files and remember it. Raises MissingError (not to be trusted), UsageError (name is taken)."""
    path = Path(os.path.abspath(path.expanduser()))
    if not path.exists():
        raise MissingError("There is no such model.", str(path), "Give a GGUF file or a model folder.")
    name = name or name_for(path)
    if problem := name_problem(name):
        raise UsageError(f"'{name}' cannot name a model.", problem, "Choose another with --name.")
    facts = examine_model(path)
    file = Path(facts.path)
    files = [file] if file.is_file() else sorted(one for one in file.iterdir() if one.is_file())
    parameters = f"{facts.parameters / 1e9:.2f}B" if facts.parameters >= 10**8 else f"{facts.parameters / 1e6:.1f}M"
    about = f"{facts.architecture}, {parameters} parameters, context {facts.context}"
    step = _steps(files, tell)
    model = Model(
        name=name, role=facts.role, path=facts.path, about=about,
        sha256={one.name: catalog.sha256(one, step) for one in files}, stamps={one.name: stamp(one) for one in files},
    )  # fmt: skip
    _write([*owned(), model])
    return model, facts


def name_for(path: Path) -> str:
    """The name that a model gets when nobody gives it one; it may be taken, or empty."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-.")


def name_problem(name: str) -> str:
    """Why a model cannot be added under this name, as a sentence; "" when it can."""
    if not _NAME.fullmatch(name):
        return "A name is made of lower-case letters, digits, - . and _, and begins with a letter or a digit."
    known = catalog.load_catalog()
    return f"There is a model '{name}' already: {known[name].path}" if name in known else ""


def remove(name: str) -> Model:
    """Forget a model; its files are not touched. Raises UsageError for one that the user did not add."""
    gone = own(name)
    _write([model for model in owned() if model.name != name])
    return gone


def owned() -> list[Model]:
    """The models that the user added."""
    return list(_registered().values())


def own(name: str) -> Model:
    """One of them. Raises UsageError for any other."""
    found = _registered()
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise UsageError(f"No model '{name}' was added.", f"Added models: {known}.", "Those that ship stay as they are.")
    return found[name]


def allow_template(name: str, digest: str) -> None:
    """Remember the SHA-256 of the chat template that this model may run. Raises UsageError as `own` does."""
    allowed = msgspec.structs.replace(own(name), template=digest)
    _write([allowed if model.name == name else model for model in owned()])


def _registered() -> dict[str, Model]:
    return catalog.read_catalog(places.user_folder() / catalog.USER_FILE)


def _write(models: list[Model]) -> None:
    """The whole list at once: a file is never half written."""
    file = places.user_folder() / catalog.USER_FILE
    draft = file.with_suffix(".new")
    draft.write_text(HEAD + "\n".join(catalog.as_toml(model) for model in models), encoding="utf-8")
    os.replace(draft, file)
