"""Reads examples from foreign files. Own readers: a foreign file may be of any size and hold anything.

Whatever cannot be taken is refused with the file and the line, never repaired in silence.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pada_local.data.columns import RawExample, Taker
from pada_local.data.csv_rows import csv_rows
from pada_local.data.formats import TABLES, Source
from pada_local.data.json_rows import json_rows, jsonl_rows
from pada_local.data.refusal import MAX_ROW_BYTES, Place, Refused
from pada_local.data.text_files import encoding_of, open_data
from pada_local.errors import DataError, UsageError

__all__ = ["RawExample", "TableReader", "first_rows", "read_examples", "read_jsonl"]

FILE_COLUMN = "@file"
"""Column with the name of the file that a row is from."""
TableReader = Callable[[Source, Place, Taker | None], Iterator[Any]]
"""Reads Parquet and Arrow files, without a taker all of their columns; the libraries for that live in the worker."""


def read_jsonl(
    path: str | Path, input_column: str, output_column: str, tags: Sequence[str] = (), max_row_bytes: int = MAX_ROW_BYTES
) -> Iterator[RawExample]:
    """The examples of a JSON-lines file, one at a time. Text columns are taken as they are, other values as JSON text.

    Blank lines are skipped; a byte-order mark at the start is dropped; tags may be empty, input and output may not.
    """
    source = Source(Path(path), "jsonl")
    return read_examples(source, Taker(input_column, output_column, tags), Place(Path(path)), max_row_bytes=max_row_bytes)


def read_examples(
    source: Source, taker: Taker, place: Place, tables: TableReader | None = None, max_row_bytes: int = MAX_ROW_BYTES
) -> Iterator[RawExample]:
    """The examples of one file; `place` says where the reader is. Raises DataError, MissingError."""
    count, place.unit = 0, source.unit
    try:
        for row in _rows(source, taker, place, tables, max_row_bytes):
            if isinstance(row, dict):
                row.setdefault(FILE_COLUMN, source.path.name)
            count += 1
            yield taker.take(place.line, row, max_row_bytes)
    except Refused as problem:
        place.refuse(problem)
    if not count:
        raise DataError("The file holds no examples.", str(source.path), "Give a file with at least one row.")


def first_rows(source: Source, place: Place, tables: TableReader | None = None) -> Iterator[tuple[int, Any]]:
    """The rows of one file as they are, each with its line, before anybody has said which columns count. Raises like above."""
    place.unit = source.unit
    try:
        for row in _rows(source, None, place, tables, MAX_ROW_BYTES):
            if isinstance(row, dict):
                row.setdefault(FILE_COLUMN, source.path.name)
            yield place.line, row
    except Refused as problem:
        place.refuse(problem)


def _rows(source: Source, taker: Taker | None, place: Place, tables: TableReader | None, max_row_bytes: int) -> Iterator[Any]:
    if source.format in TABLES:
        if tables is None:
            raise UsageError("Tables are not read here.", str(source.path))
        yield from tables(source, place, taker)
        return
    encoding = encoding_of(source.path, source.encoding)
    with open_data(source.path) as file:
        place.total_bytes = source.path.stat().st_size
        match source.format:
            case "jsonl":
                yield from jsonl_rows(file, place, encoding, max_row_bytes)
            case "json":
                yield from json_rows(file, place, encoding, source.records, max_row_bytes)
            case "csv":
                yield from csv_rows(file, place, encoding, source.delimiter or ",", max_row_bytes)
            case "tsv":
                yield from csv_rows(file, place, encoding, source.delimiter or "\t", max_row_bytes)
            case _:
                raise UsageError(f"There is no format {source.format!r}.")
