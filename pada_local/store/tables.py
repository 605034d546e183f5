"""How records become table rows and back: every statement is derived from the record's own fields.

One list says which record lies in which table under which key; `migrations/` creates the same tables, and a test
compares the two.
"""

import math
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin

import msgspec

from pada_local import records
from pada_local.errors import StoreError
from pada_local.records import Row

ROWS_PER_STATEMENT = 2000
"""Whole columns of this many rows are bound at once: twice as fast as VALUES lists, many times faster than executemany."""

NAMES: dict[type[Row], tuple[str, tuple[str, ...]]] = {
    records.Setting: ("settings", ("key",)),
    records.Example: ("examples", ("id",)),
    records.RecipeRow: ("recipes", ("id",)),
    records.Run: ("runs", ("id",)),
    records.Round: ("rounds", ("run_id", "number")),
    records.Stage: ("stages", ("key", "run_id")),
    records.Adapter: ("adapters", ("id",)),
    records.TrainingStep: ("training_steps", ("adapter_id", "step")),
    records.Prediction: ("predictions", ("id",)),
    records.ScoreRow: ("scores", ("prediction_id", "metric")),
    records.TeacherCall: ("teacher_calls", ("key",)),
    records.Prompt: ("prompts", ("id",)),
    records.Analysis: ("analyses", ("id",)),
    records.Embedding: ("embeddings", ("id",)),
    records.Pattern: ("patterns", ("id",)),
    records.Strategy: ("strategies", ("id",)),
    records.Candidate: ("candidates", ("id",)),
    records.Verdict: ("verdicts", ("id",)),
    records.JudgeAudit: ("judge_audits", ("id",)),
    records.Decision: ("decisions", ("id",)),
    records.TestLook: ("test_looks", ("run_id", "adapter_id")),
    records.EventRow: ("events", ("seq",)),
    records.Manifest: ("manifest", ("seq",)),
    records.Mark: ("marks", ("table", "key")),
    records.Quarantined: ("quarantine", ("id",)),
}
_SQL_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}


@dataclass(frozen=True)
class Column:
    """A column and how its values travel: `bound_as` is the type they are bound with, `sql_type` what they become."""

    name: str
    sql_type: str
    decoder: msgspec.json.Decoder | None = None

    @property
    def bound_as(self) -> str:
        """Vectors are bound as text: parsing them in the database is four times faster than binding lists of floats."""
        return "VARCHAR" if self.sql_type in ("JSON", "FLOAT[]") else self.sql_type

    def encode(self, values: list[Any]) -> list[Any]:
        """What is bound for the values of this column. Raises StoreError for what would come back as something else."""
        if self.sql_type == "JSON":
            return [msgspec.json.encode(value).decode() for value in values]
        if self.sql_type == "FLOAT[]":
            return [self._vector(value) for value in values]
        # The binding turns a NaN into NULL without a word, and "not a number" is not "not known".
        if self.sql_type == "DOUBLE" and any(value is not None and math.isnan(value) for value in values):
            raise StoreError(f"A value of '{self.name}' is not a number, so it was not stored.")
        return values

    def _vector(self, value: list[float]) -> str:
        text = msgspec.json.encode(value).decode()
        if "null" in text:
            raise StoreError(f"A value in '{self.name}' is not a finite number, so the row was not stored.")
        return text


@dataclass(frozen=True)
class Table:
    """A record type's table: its statements, and the way from rows to parameters and back."""

    kind: type[Row]
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def insert(self, *, replacing: bool) -> str:
        """One statement for any number of rows, with one list parameter per column.

        A row that is there keeps its place (`row_order`) when it is replaced.
        """
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        values = ", ".join(f"unnest(?::{column.bound_as}[])::{column.sql_type}" for column in self.columns)
        others = [column.name for column in self.columns if column.name not in self.key]
        change = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        key = ", ".join(f'"{name}"' for name in self.key)
        conflict = f"({key}) DO UPDATE SET {change}" if replacing else "DO NOTHING"
        return f'INSERT INTO "{self.name}" ({names}) SELECT {values} ON CONFLICT {conflict}'

    def batches(self, rows: Sequence[Row]) -> Iterator[list[list[Any]]]:
        """The parameters of `insert`, a bounded number of rows at a time."""
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            batch = rows[start : start + ROWS_PER_STATEMENT]
            yield [column.encode([getattr(row, column.name) for row in batch]) for column in self.columns]

    def once(self, rows: Sequence[Row], *, keep_last: bool) -> list[Row]:
        """The rows with each primary key once, so that no statement meets its own rows."""
        ordered: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            key = tuple(getattr(row, name) for name in self.key)
            if keep_last or key not in ordered:
                ordered[key] = row
        return list(ordered.values())

    def select(self, where: dict[str, Any], what: str = "", search: str = "") -> tuple[str, list[Any]]:
        """The query for rows (or for `what`, without order) that match, and its parameters.

        `search` is a text that the input or the output holds, capitals aside.
        """
        tests, parameters = [], []
        if search:
            tests.append('(contains(lower("input"), lower(?)) OR contains(lower("output"), lower(?)))')
            parameters += [search, search]
        for name, value in where.items():
            test, bound = self._test(name, value)
            tests.append(test)
            parameters.extend(bound)
        names = what or ", ".join(f'"{column.name}"' for column in self.columns)
        condition = f" WHERE {' AND '.join(tests)}" if tests else ""
        return f'SELECT {names} FROM "{self.name}"{condition}{"" if what else " ORDER BY row_order"}', parameters

    def _test(self, name: str, value: Any) -> tuple[str, list[Any]]:
        column = next((column for column in self.columns if column.name == name), None)
        if column is None or column.decoder or column.sql_type == "FLOAT[]":
            raise TypeError(f"{self.kind.__name__} cannot be searched by '{name}'")
        if not isinstance(value, (list, tuple)):
            return f'"{name}" IS NOT DISTINCT FROM ?', [value]
        known = [item for item in value if item is not None]
        # A list parameter is one parameter however many values it has, and is joined by hashing.
        among = f'"{name}" IN (SELECT unnest(?::{column.bound_as}[]))'
        return (f'("{name}" IS NULL OR {among})' if len(known) < len(value) else among), [known]

    def decode(self, values: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Records from fetched tuples. Raises StoreError where a stored value does not fit its field."""
        names = [column.name for column in self.columns]
        decoders = [(at, column.decoder.decode) for at, column in enumerate(self.columns) if column.decoder]
        found = []
        for row in values:
            fields = dict(zip(names, row, strict=True))
            for at, decode in decoders:
                try:
                    fields[names[at]] = decode(row[at])
                except msgspec.MsgspecError as error:
                    raise StoreError(f"A row of '{self.name}' is damaged.", f"Column '{names[at]}': {error}") from error
            found.append(self.kind(**fields))
        return found


@cache
def table_of(kind: type[Row]) -> Table:
    """The table of a record type. Raises TypeError for a type that no table keeps."""
    if kind not in NAMES:
        raise TypeError(f"{kind!r} has no table")
    name, key = NAMES[kind]
    return Table(kind, name, key, tuple(_column(field) for field in msgspec.structs.fields(kind)))


def _column(field: Any) -> Column:
    choices = [one for one in get_args(field.type) if one is not types.NoneType]
    kind = choices[0] if get_origin(field.type) in (Union, types.UnionType) else field.type
    if kind == list[float]:
        return Column(field.encode_name, "FLOAT[]")
    if get_origin(kind) in (list, dict):
        return Column(field.encode_name, "JSON", msgspec.json.Decoder(kind))
    return Column(field.encode_name, _SQL_TYPES[kind])
