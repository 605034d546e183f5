"""Rows of CSV files, streamed: the first line names the columns, and every row must have as many fields."""

import csv
from collections.abc import Iterator
from io import BufferedReader

from pada_local.data.refusal import MAX_ROW_BYTES, Place, Refused, shown
from pada_local.data.text_files import BYTE_ORDER_MARK, decoded, read_line

MAX_COLUMNS = 2000


class _Lines:
    """Hands lines to the csv module and counts what one row takes, since a quote that never ends would take them all."""

    def __init__(self, file: BufferedReader, place: Place, encoding: str, max_row_bytes: int) -> None:
        self._file, self._place, self._encoding, self._max = file, place, encoding, max_row_bytes
        self.number, self.in_row = 0, 0

    def __iter__(self) -> Iterator[str]:
        while line := read_line(self._file, self._max):
            self._place.done_bytes += len(line)
            self.number += 1
            self.in_row += len(line)
            if self.in_row > self._max:
                raise Refused(f"the row is longer than {self._max:,} bytes; perhaps a quote is not closed")
            yield decoded(line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line, self._encoding)


def csv_rows(
    file: BufferedReader, place: Place, encoding: str, delimiter: str = ",", max_row_bytes: int = MAX_ROW_BYTES
) -> Iterator[dict[str, str]]:
    """Each row as a dictionary of texts. Raises Refused with `place` at the line where the row begins."""
    csv.field_size_limit(max_row_bytes)
    lines = _Lines(file, place, encoding, max_row_bytes)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    names: list[str] = []
    while True:
        place.line, lines.in_row = lines.number + 1, 0
        try:
            fields = next(reader, None)
        except csv.Error as problem:
            raise Refused(f"it is not CSV ({problem})") from problem
        if fields is None:
            return
        if not fields:
            continue
        if not names:
            names = _header(fields, delimiter)
            continue
        if len(fields) != len(names):
            raise Refused(f"it has {len(fields)} fields where the first line names {len(names)} columns")
        yield dict(zip(names, fields, strict=True))


def _header(fields: list[str], delimiter: str) -> list[str]:
    names = [field.strip() for field in fields]
    if len(names) > MAX_COLUMNS:
        raise Refused(f"it names {len(names):,} columns, more than {MAX_COLUMNS:,}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Refused(f"the column {shown(twice)} occurs twice")
    other = next((mark for mark in (";", "\t", "|", ",") if mark != delimiter and mark in names[0]), "")
    if len(names) == 1 and other:
        hint = f"if {shown(other)} separates them, add --delimiter {shown(other)}"
        raise Refused(f"it names one column only, {shown(names[0])}; {hint}")
    return names
