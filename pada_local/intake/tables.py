"""Parquet and Arrow files, read by a worker of their own: their libraries stay out of this process, and it may die of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pada_local.data.columns import Column, Taker
from pada_local.data.formats import Source
from pada_local.data.refusal import Place
from pada_local.errors import DataError
from pada_local.student.client import JobFailed, StudentClient
from pada_local.student.protocol import ReadTable, TableOpened


class Tables:
    """Called for one file at a time (a `data.read.TableReader`). The worker starts with the first and ends with `stack`."""

    def __init__(self, stack: ExitStack, private: Path) -> None:
        self._stack, self._private = stack, private
        self._client: StudentClient | None = None

    def __call__(self, source: Source, place: Place, taker: Taker | None) -> Iterator[Any]:
        """The rows with the columns that are needed; without a taker all of them. Raises Refused, DataError."""
        if self._client is None:
            self._client = self._stack.enter_context(StudentClient(self._private))
        columns = taker.columns if taker is not None else []
        wanted = sorted({name for column in columns for name in (column.name, column.steps[0])})
        job = ReadTable(path=str(source.path.absolute()), format=source.format, columns=wanted, everything=taker is None)
        try:
            for message in self._client.read_table(job):
                if isinstance(message, TableOpened):
                    self._check(message, place, columns)
                    continue
                for row in message.rows:
                    place.line += 1
                    place.done_bytes += 1
                    yield row
        except JobFailed as problem:
            if problem.kind != "data":
                raise
            raise DataError(problem.title, problem.detail, problem.fix) from problem

    def _check(self, opened: TableOpened, place: Place, columns: Sequence[Column]) -> None:
        # The rows hold only what was asked for, so a missing column is said here, where all columns are known.
        place.total_bytes = opened.rows
        everything = dict.fromkeys(opened.columns)
        for column in columns:
            if column.steps[0] not in everything and not column.name.startswith("@"):
                place.line = 1
                column.text(everything, "")
