"""Hugging Face data-set folders on disk: as `save_to_disk` writes them, or as they are downloaded (files named by split).

Only names are looked at here. What a folder says about itself is foreign: a file that it names must lie in it.
"""

import json
import re
from pathlib import Path
from typing import Any

from pada_local.errors import DataError

_SPLIT_NAMES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
                "test": "test"}  # fmt: skip
_NAMED = re.compile(rf"(?:^|[-_.])({'|'.join(_SPLIT_NAMES)})(?=[-_.]|$)", re.IGNORECASE)
_ENDINGS = (".parquet", ".arrow", ".jsonl", ".json", ".csv", ".tsv")
_DESCRIBING = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})
_MAX_BYTES, _MAX_FILES = 16 * 2**20, 10_000


def splits_of(folder: Path) -> dict[str, list[Path]]:
    """The files of each split (train, validation, test) that the folder holds. Raises DataError."""
    if (folder / "dataset_dict.json").is_file():
        names = _described(folder / "dataset_dict.json").get("splits")
        if not isinstance(names, list):
            raise _broken(folder / "dataset_dict.json", "it names no splits")
        inside = {str(name): folder / _plain(folder, name) for name in names}
        return {_SPLIT_NAMES.get(name.lower(), name): _saved(path) for name, path in inside.items()}
    if (folder / "state.json").is_file():
        return {"train": _saved(folder)}
    return _named_files(folder)


def _named_files(folder: Path) -> dict[str, list[Path]]:
    """Files that are named by their split, or lie in folders that are."""
    found: dict[str, list[Path]] = {}
    homes: set[str] = set()
    for path in _data_files(folder):
        above = path.parent.name if path.parent != folder else ""
        if match := _NAMED.search(path.stem):
            homes.add(above)
        elif not (match := _NAMED.search(above)):
            continue
        found.setdefault(_SPLIT_NAMES[match[1].lower()], []).append(path)
    if len(homes) > 1:
        names = ", ".join(sorted(home for home in homes if home)[:10])
        raise DataError(f"The folder {folder} holds more than one data set.", f"Folders: {names}.", f"Name one: {folder}/FOLDER")
    return found


def files_of_split(folder: Path, split: str) -> list[Path]:
    """The files of one split. Raises DataError when the folder has none."""
    there = splits_of(folder)
    files = there.get(_SPLIT_NAMES.get(split.lower(), split), [])
    if not files:
        names = ", ".join(sorted(there)) or "none that can be recognised"
        fix = f"Name a split as {folder}#SPLIT, or name its files."
        raise DataError(f"The folder {folder} holds no split {split}.", f"Splits: {names}.", fix)
    return files


def _data_files(folder: Path) -> list[Path]:
    files: list[Path] = []
    for pattern in ("*", "*/*"):
        for path in folder.glob(pattern):
            if path.suffix.lower() in _ENDINGS and path.name not in _DESCRIBING and path.is_file():
                files.append(path)
            if len(files) > _MAX_FILES:
                raise DataError(f"The folder {folder} holds more than {_MAX_FILES:,} data files.", "", "Name the files you mean.")
    return sorted(files)


def _saved(folder: Path) -> list[Path]:
    """The Arrow files of one data set, in order."""
    state = _described(folder / "state.json")
    if state.get("_indices_files"):
        raise _broken(folder / "state.json", "it selects rows by an index file; save it again with flatten_indices()")
    entries = state.get("_data_files")
    if not isinstance(entries, list) or not entries:
        raise _broken(folder / "state.json", "it names no data files")
    return [folder / _plain(folder, entry.get("filename") if isinstance(entry, dict) else entry) for entry in entries]


def _plain(folder: Path, name: Any) -> str:
    if not isinstance(name, str) or Path(name).name != name or not name or name == "..":
        raise _broken(folder, "it names a file outside itself")
    return name


def _described(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as problem:
        raise _broken(path, f"it cannot be read ({type(problem).__name__})") from problem
    if not isinstance(value, dict):
        raise _broken(path, "it is not a JSON object")
    return value


def _broken(path: Path, why: str) -> DataError:
    return DataError("The data-set folder cannot be read.", f"{path}: {why}.", "Save it again with save_to_disk.")
