"""Rows of JSON files: one object a line (JSONL), or records inside one value, found by a path."""

import json
import re
from collections.abc import Iterator, Sequence
from io import BufferedReader
from typing import Any

from pada_local.data.json_text import DECODER, check_depth, parse_json
from pada_local.data.refusal import MAX_ROW_BYTES, Place, Refused, shown
from pada_local.data.text_files import BYTE_ORDER_MARK, decoded, read_line
from pada_local.errors import DataError

MAX_JSON_BYTES = 512 * 2**20
"""A JSON value is held in memory as text while its records are read; a JSONL file may be of any size."""
KEY = "@key"
"""Column with the key under which a record (or the group that it is in) stood."""
_SPACE = re.compile(r"[ \t\r\n]*")


def jsonl_rows(file: BufferedReader, place: Place, encoding: str, max_row_bytes: int = MAX_ROW_BYTES) -> Iterator[Any]:
    """One value for each line that is not blank. Raises Refused with `place` at the line."""
    while True:
        place.line += 1
        if not (line := read_line(file, max_row_bytes)):
            return
        place.done_bytes += len(line)
        line = line.removeprefix(BYTE_ORDER_MARK) if place.line == 1 else line
        if line.strip():
            value = parse_json(decoded(line, encoding))
            if not isinstance(value, dict | list):
                raise Refused("it is not a JSON object")
            yield value


def json_rows(
    file: BufferedReader, place: Place, encoding: str, records: Sequence[str] = (), max_row_bytes: int = MAX_ROW_BYTES
) -> Iterator[Any]:
    """The records at a path of a JSON file, one at a time; without a path the file is a list of them.

    Raises Refused with `place` at the line where the record begins, DataError for a file that is too large.
    """
    if place.total_bytes > MAX_JSON_BYTES:
        detail = f"{place.path} has {place.total_bytes:,} bytes, and {MAX_JSON_BYTES:,} can be read."
        raise DataError("The JSON file is too large.", detail, "Write one object on each line (JSONL).")
    place.line = 1
    text = decoded(file.read().removeprefix(BYTE_ORDER_MARK), encoding)
    reader = _Records(text, place, max_row_bytes)
    yield from reader.walk(tuple(records) or ("*",), "")
    reader.finish(bool(records))


class _Records:
    """Walks down a path without building what lies beside it; the only values made are the records."""

    def __init__(self, text: str, place: Place, max_row_bytes: int) -> None:
        self._text, self._place, self._max = text, place, max_row_bytes
        self._at, self._counted, self._found = 0, 0, False

    def walk(self, steps: Sequence[str], key: str) -> Iterator[Any]:
        """The records below the value that begins here; leaves the reader behind that value."""
        if not steps:
            yield from self._record(key)
            return
        opening = self._next("[{" if not self._found else "")
        if opening == "{":
            yield from self._members(steps, key)
        elif opening == "[":
            yield from self._items(steps, key)
        else:
            raise Refused(f"there is no list of records here, where the path goes on with {shown(steps[0])}")

    def finish(self, asked: bool) -> None:
        """Nothing may follow, and what was asked for must have been there. Raises Refused."""
        self._skip_space()
        self._count_lines()
        if self._at < len(self._text):
            raise Refused("the JSON value has ended, but the file goes on; if it holds one object a line, add --format jsonl")
        if asked and not self._found:
            self._place.line = 1
            raise Refused("nothing is at the path of --records")

    def _members(self, steps: Sequence[str], key: str) -> Iterator[Any]:
        self._at += 1
        seen: set[str] = set()
        while self._next() != "}":
            name = self._value()
            if not isinstance(name, str):
                raise Refused("it is not JSON (a key is not a text)")
            if name in seen:
                raise Refused(f"the key {shown(name)} occurs twice")
            seen.add(name)
            self._expect(":")
            self._skip_space()
            if steps[0] == "*":
                yield from self.walk(steps[1:], name)
            elif steps[0] == name:
                yield from self.walk(steps[1:], key)
            else:
                self._value()
            self._comma("}")
        self._at += 1

    def _items(self, steps: Sequence[str], key: str) -> Iterator[Any]:
        self._at += 1
        number = 0
        while self._next() != "]":
            if steps[0] in ("*", str(number)):
                yield from self.walk(steps[1:], key)
            else:
                self._value()
            number += 1
            self._comma("]")
        self._at += 1

    def _record(self, key: str) -> Iterator[Any]:
        self._next()
        start = self._at
        line = self._place.line
        value = self._value()
        self._place.line = line
        if (self._at - start) > self._max:
            raise Refused(f"the row is longer than {self._max:,} bytes")
        check_depth(self._text[start : self._at])
        if not isinstance(value, dict | list):
            raise Refused(f"the record is not an object but {shown(json.dumps(value))}")
        self._found = True
        if isinstance(value, dict) and key:
            value.setdefault(KEY, key)
        yield value
        self._count_lines()

    def _value(self) -> Any:
        self._skip_space()
        self._count_lines()
        try:
            value, self._at = DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as problem:
            self._place.line = problem.lineno
            raise Refused(f"it is not JSON ({problem.msg} at column {problem.colno})") from problem
        except RecursionError as problem:
            raise Refused("it is nested too deeply") from problem
        except ValueError as problem:
            raise Refused("it is JSON with a value that cannot be read") from problem
        return value

    def _next(self, wanted: str = "") -> str:
        self._skip_space()
        self._count_lines()
        found = self._text[self._at : self._at + 1]
        if not found:
            raise Refused("it is not JSON (the file ends too early)")
        if wanted and found not in wanted:
            raise Refused("there is no list of records")
        return found

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise Refused(f"it is not JSON ({mark} was expected)")
        self._at += 1

    def _comma(self, end: str) -> None:
        if self._next() == ",":
            self._at += 1
            if self._next() == end:
                raise Refused("it is not JSON (a comma stands before the end)")
        elif self._next() != end:
            raise Refused("it is not JSON (a comma was expected)")

    def _skip_space(self) -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]

    def _count_lines(self) -> None:
        self._place.line += self._text.count("\n", self._counted, self._at)
        self._place.done_bytes += self._at - self._counted
        self._counted = self._at
