"""Reading examples from JSON lines, a row at a time: a foreign file may be of any size and hold anything.

Whatever cannot be taken is refused with the file and the line, never repaired in silence.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from pada_local.errors import DataError, MissingError

MAX_DEPTH = 64
_MARKS = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}


class RawExample(msgspec.Struct, frozen=True):
    """One row as it was read: its line in the file (from 1), texts, and the tag columns as text."""

    line: int
    input: str
    output: str
    tags: dict[str, str]


class _Refused(Exception):
    """What is wrong with a row; turned into a DataError where file and line are known."""


def read_jsonl(
    path: str | Path, input_column: str, output_column: str, tags: Sequence[str] = (), max_row_bytes: int = 4_000_000
) -> Iterator[RawExample]:
    """The rows of a JSON-lines file, one at a time. Text columns are taken as they are, other values as JSON text.

    Blank lines are skipped; a byte-order mark at the start is dropped; tags may be empty, input and output may not.
    """
    number, rows = 0, 0
    with _opened(Path(path)) as file:
        while row := file.readline(max_row_bytes + 1):
            number += 1
            row = row.removeprefix(b"\xef\xbb\xbf") if number == 1 else row
            try:
                if len(row) > max_row_bytes:
                    raise _Refused(f"the row is longer than {max_row_bytes:,} bytes")
                if not row.strip():
                    continue
                values = _parsed(row)
                example = _example(number, values, input_column, output_column, tags)
            except _Refused as problem:
                _refuse(Path(path), number, str(problem))
            rows += 1
            yield example
    if not rows:
        raise DataError("The file holds no examples.", str(path), "Give a file with one JSON object on each line.")


def _opened(path: Path) -> BufferedReader:
    try:
        if not path.is_file():
            raise MissingError("The data file is not there.", str(path), "Check the path; it must be a JSON-lines file.")
        file = path.open("rb")
    except OSError as problem:
        raise DataError("The data file cannot be read.", f"{path}: {problem.strerror}", "Check its permissions.") from problem
    kind = next((name for magic, name in _COMPRESSED.items() if file.peek(2).startswith(magic)), "")
    if kind:
        file.close()
        raise DataError("The data file is compressed.", f"{path} looks like {kind}.", "Unpack it first.")
    return file


def _refuse(path: Path, line: int, problem: str) -> NoReturn:
    raise DataError("A row of the data file cannot be taken.", f"{path}, line {line}: {problem}.", "Correct or remove that row.")


def _parsed(row: bytes) -> dict[str, Any]:
    # Before json.loads, which would answer a nesting bomb with RecursionError deep in C.
    if row.count(b"[") + row.count(b"{") > MAX_DEPTH and _depth(row) > MAX_DEPTH:
        raise _Refused(f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        text = row.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _Refused(f"byte {problem.start + 1} is not UTF-8") from problem
    try:
        values = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
    except json.JSONDecodeError as problem:
        raise _Refused(f"it is not JSON ({problem.msg} at column {problem.colno})") from problem
    except (ValueError, RecursionError) as problem:  # such as an integer of a million digits
        raise _Refused("it is JSON with a value that cannot be read") from problem
    if not isinstance(values, dict):
        raise _Refused("it is not a JSON object")
    return values


def _depth(row: bytes) -> int:
    depth, deepest, in_text = 0, 0, False
    for found in _MARKS.finditer(row):
        mark = found.group()
        if mark == b'"':
            in_text = not in_text
        elif not in_text and mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif not in_text and mark in (b"]", b"}"):
            depth -= 1
    return deepest


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Refused("it has a number that is too large")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"the key {_shown(twice)} occurs twice")
    return values


def _example(line: int, values: dict[str, Any], input_column: str, output_column: str, tags: Sequence[str]) -> RawExample:
    taken = {column: _text(values, column) for column in (input_column, output_column, *tags)}
    for column in (input_column, output_column):
        if not taken[column].strip():
            raise _Refused(f"the column {_shown(column)} is empty")
    return RawExample(line, taken[input_column], taken[output_column], {tag: taken[tag] for tag in tags})


def _text(values: dict[str, Any], column: str) -> str:
    if column not in values:
        there = ", ".join(map(_shown, list(values)[:10])) or "nothing"
        raise _Refused(f"there is no column {_shown(column)}, only {there}")
    value = values[column]
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if "\x00" in text or "\\u0000" in text and not isinstance(value, str):
        raise _Refused(f"the column {_shown(column)} holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise _Refused(f"the column {_shown(column)} holds half of a surrogate pair") from problem
    return text


def _shown(name: str) -> str:
    # A key is foreign text and may be of any length; json.dumps also makes control characters and surrogates visible.
    return json.dumps(name if len(name) <= 60 else name[:60] + "…")
