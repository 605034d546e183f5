"""The local model store: models by name, their files checked by hash; everything else by path. Nothing is downloaded."""

import hashlib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec

from pada_local.errors import MissingError, UsageError
from pada_local.runtime import places

REBUILD = "Build the demo's models: python models/training/build.py   (or give the path of a model of yours)"


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that can be named. `path` is relative to the catalog's folder; files in `sha256` must be as they were."""

    name: str
    role: str
    path: str
    about: str = ""
    sha256: dict[str, str] = {}
    stamps: dict[str, str] = {}
    """Size and time of files when they were hashed: while these hold, gigabytes are not hashed again to list a model."""
    template: str = ""
    """SHA-256 of the chat template of its own that the user has read and allowed."""


class _Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: list[Model] = []


USER_FILE = "models.toml"
HASH_BLOCK = 2**22


def load_catalog(folder: Path | None = None) -> dict[str, Model]:
    """The models that ship and those that the user added; a name means the same for everybody, so shipped ones come first.

    With a folder only those of its catalog.toml. Raises UsageError when a catalog cannot be read.
    """
    if folder is not None:
        return read_catalog(folder / "catalog.toml")
    return read_catalog(places.user_folder() / USER_FILE) | read_catalog(places.models_folder() / "catalog.toml")


def read_catalog(file: Path) -> dict[str, Model]:
    """The models that a catalog names; empty without one."""
    if not file.is_file():
        return {}
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _Catalog)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError, OSError) as error:
        raise UsageError(
            "The model catalog cannot be read.", f"{file}: {error}", "Correct it, or put the shipped one back."
        ) from None
    return {model.name: model for model in found.model}


def problems(
    model: Model, folder: Path | None = None, thorough: bool = False, step: Callable[[int], None] | None = None
) -> list[str]:
    """What is wrong with a named model's files, as sentences; empty when all are there and as they were.

    `thorough` hashes also what has the size and time that it had when it was hashed. `step` is told of every hashed byte.
    """
    home = (folder or places.models_folder()) / model.path
    if not home.exists():
        return [f"{home} is not there"]
    try:
        _student(home) if model.role == "student" else _teacher(home)
    except MissingError as error:
        return [error.detail]
    if not model.sha256:
        return ["its hashes are not recorded (python models/training/hashes.py)"]
    found = []
    for name, wanted in model.sha256.items():
        file = home / name if home.is_dir() else home
        if not file.is_file():
            found.append(f"{file} is not there")
        elif not thorough and model.stamps.get(name) == f"{file.stat().st_size}:{file.stat().st_mtime_ns}":
            continue
        elif sha256(file, step) != wanted:
            found.append(f"{file} is not the file that was recorded")
    return found


def find_model(name: str, role: str) -> str:
    """What a project keeps of a model that was named: its name, or its full path. Raises MissingError, UsageError."""
    resolve(name, role)
    return name if name in load_catalog() else str(_given(name))


def resolve(name: str, role: str = "") -> Path:
    """The folder of a student or the GGUF file of a teacher. Raises MissingError (with what to do), UsageError on a wrong role.

    Without a role it is the catalog's, or that of what lies at the path.
    """
    model = load_catalog().get(name)
    if model is not None:
        role = role or model.role
        if model.role != role:
            raise UsageError(
                f"The model {name} is no {role}.", f"The catalog calls it a {model.role}.", "See 'pada models list'."
            )
        wrong = [problem for problem in problems(model) if "not recorded" not in problem]
        if wrong:
            raise MissingError(f"The model {name} is not complete.", "; ".join(wrong), REBUILD)
    path = places.models_folder() / model.path if model is not None else _given(name)
    role = role or ("student" if (path / "config.json").is_file() and not any(path.glob("*.gguf")) else "teacher")
    if not path.exists():
        known = ", ".join(sorted(load_catalog())) or "none"
        fix = f"Models that can be named: {known}. Or give the path of a model folder (student) or a GGUF file (teacher)."
        raise MissingError(f"There is no {role} model '{name}'.", f"{path} is not there.", fix)
    return _student(path) if role == "student" else _teacher(path)


def _given(name: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(name)))


def _student(path: Path) -> Path:
    for needed in ("config.json", "tokenizer.json"):
        if not (path / needed).is_file():
            fix = "Give the folder of a Transformers model: config.json, tokenizer.json and *.safetensors."
            raise MissingError("This is no student model.", f"{path} has no {needed}.", fix)
    if not any(path.glob("*.safetensors")):
        fix = "Only safetensors are loaded: other formats can run code. Convert the model first."
        raise MissingError("This student model has no weights that can be loaded.", f"{path} has no *.safetensors.", fix)
    return path


def _teacher(path: Path) -> Path:
    files = [path] if path.is_file() else sorted(path.glob("*.gguf"))
    if len(files) != 1:
        detail = f"{path} holds {len(files)} files that end in .gguf."
        raise MissingError("The teacher's model file cannot be told.", detail, f"Give the path of one GGUF file. {REBUILD}")
    if files[0].open("rb").read(4) != b"GGUF":
        raise MissingError("This is no teacher model.", f"{files[0]} is not a GGUF file.", "Give the path of a GGUF file.")
    return files[0]


def record_hashes(folder: Path) -> list[str]:
    """Write the hashes of every named model's files into this folder's catalog.toml; returns the files."""
    texts, done = [], []
    for model in load_catalog(folder).values():
        files = sorted(path for path in (folder / model.path).iterdir() if path.is_file())
        texts.append(as_toml(msgspec.structs.replace(model, sha256={file.name: sha256(file) for file in files})))
        done += map(str, files)
    (folder / "catalog.toml").write_text(CATALOG_HEAD + "\n".join(texts), encoding="utf-8")
    return done


KEYS = ("name", "role", "path", "about", "template")


def as_toml(model: Model) -> str:
    """One model as an entry of a catalog."""
    lines = ["[[model]]", *(f"{key} = {_quoted(getattr(model, key))}" for key in KEYS if getattr(model, key)), ""]
    for table in ("sha256", "stamps"):
        if entries := getattr(model, table):
            lines += [f"[model.{table}]", *(f"{_quoted(name)} = {_quoted(value)}" for name, value in entries.items()), ""]
    return "\n".join(lines)


CATALOG_HEAD = "# The models that can be named. Hashes are written by: python models/training/hashes.py\n\n"


def _quoted(text: str) -> str:
    # A JSON string of plain text is a TOML basic string too.
    return msgspec.json.encode(text).decode()


def sha256(file: Path, step: Callable[[int], None] | None = None) -> str:
    """The file's SHA-256 in hex. `step` is told how many bytes were read since it was told last; what it raises ends this."""
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(HASH_BLOCK):
            digest.update(block)
            if step is not None:
                step(len(block))
    return digest.hexdigest()
