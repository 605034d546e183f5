"""Which files a person named, and in which format each of them is: by its ending, and for `.json` by its first line."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pada_local.data.columns import steps_of
from pada_local.data.folders import files_of_split
from pada_local.data.refusal import MAX_ROW_BYTES
from pada_local.data.text_files import BYTE_ORDER_MARK, open_data
from pada_local.errors import MissingError, UsageError

_ENDINGS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv",
    ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip
ENDINGS = tuple(_ENDINGS)
"""How the names of files end that can be read without being told their format."""
FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "arrow")
TABLES = ("parquet", "arrow")
"""Formats that the worker reads."""


class Source(NamedTuple):
    """One file to read. `records` are the steps to the records of a JSON file."""

    path: Path
    format: str
    records: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ""

    @property
    def unit(self) -> str:
        """What is counted in it: lines of a text, rows of a table."""
        return "row" if self.format in TABLES else "line"

    @property
    def name(self) -> str:
        """The file's name, with the place in it where one was named."""
        inside = ".".join(self.records[:-1])
        return f"{self.path.name}#{inside}" if inside and "*" not in inside else self.path.name

    def at(self, line: int) -> str:
        """A place in it, for a sentence."""
        return f"{self.path}, {self.unit} {line}"


class Reading(NamedTuple):
    """How files are to be read, as the person said it; empty means that the file itself shows it."""

    records: str = ""
    format: str = ""
    encoding: str = "utf-8"
    delimiter: str = ""


def named(text: str) -> tuple[Path, str]:
    """`data.json#train` as the file and the path inside it; a file whose own name has a # is that file."""
    path, mark, inside = text.rpartition("#")
    return (Path(path), inside) if mark and not os.path.lexists(text) else (Path(text), "")


def source_of(text: str, reading: Reading) -> Source:
    """The file that was named, with its format. Raises MissingError, DataError, UsageError."""
    path, inside = named(text)
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "", "Name a file in it, or a folder with a data set.")
    inside = inside or reading.records
    format = reading.format or _ENDINGS.get(path.suffix.lower(), "")
    if not os.path.lexists(path):
        raise MissingError("The data file is not there.", str(path), "Check the path. See docs/data.md for the formats.")
    if not format:
        fix = f"Add --format with one of: {', '.join(FORMATS)}."
        raise UsageError(f"The name of {path} does not say in which format it is.", f"Known endings: {', '.join(_ENDINGS)}.", fix)
    if format == "json" and not reading.format and not inside and _is_jsonl(path):
        format = "jsonl"
    if inside and format != "json":
        raise UsageError(f"A path to records was given for {path}, which is not a JSON file.", f"Path: {inside}")
    delimiter = reading.delimiter.replace(r"\t", "\t")
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        raise UsageError(f"{reading.delimiter!r} cannot separate the fields of a CSV file.", "", "Give one character: ';'")
    steps = steps_of(inside) if inside else ()
    if steps and steps[-1] != "*":
        steps = (*steps, "*")  # `train` means the members of what stands under train
    return Source(path, format, steps, reading.encoding, delimiter)


def sources_of(texts: Sequence[str], reading: Reading, split: str = "train") -> list[Source]:
    """All files of one split, each once; a folder is the files of its `split`. Raises UsageError for one named twice."""
    found: list[Source] = []
    for text in texts:
        path, inside = named(text)
        if path.is_dir():
            found += [source_of(str(file), reading) for file in files_of_split(path, inside or split)]
        else:
            found.append(source_of(text, reading))
    twice = next((source for source in found if found.count(source) > 1), None)
    if twice is not None:
        raise UsageError(f"The file {twice.path} was named twice.", "", "Name it once.")
    return found


def _is_jsonl(path: Path) -> bool:
    """Whether a `.json` file holds an object on each of its first two lines, as many tools write it."""
    with open_data(path) as file:
        lines = [file.readline(MAX_ROW_BYTES).removeprefix(BYTE_ORDER_MARK).strip() for _ in range(2)]
    return all(line.startswith(b"{") and line.endswith(b"}") for line in lines)
