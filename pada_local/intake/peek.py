"""A first look at a data file before anybody has said which columns count: some rows, and the columns in them."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from pada_local.data.columns import RawExample, Taker
from pada_local.data.formats import Source
from pada_local.data.read import first_rows
from pada_local.data.refusal import Place, Refused
from pada_local.errors import DataError
from pada_local.intake.tables import Tables

MOST_ROWS, MOST_CHARACTERS = 2000, 16_000_000
_LOOKED_AT = 100


class Peeked(NamedTuple):
    """The first rows of one file with their lines; `whole` says that there are no others."""

    source: Source
    rows: list[tuple[int, Any]]
    columns: list[str]
    whole: bool


def peek(source: Source, most: int = MOST_ROWS) -> Peeked:
    """At most so many rows, and no more than fit into a bounded memory. Raises DataError, MissingError, UsageError."""
    rows: list[tuple[int, Any]] = []
    whole, characters = True, 0
    with ExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pada-peek-")))  # 0700
        for line, row in first_rows(source, Place(source.path), Tables(stack, private / "tables")):
            if len(rows) >= most or characters > MOST_CHARACTERS:
                whole = False
                break
            rows.append((line, row))
            characters += len(str(row))
    if not rows:
        raise DataError("The file holds no examples.", str(source.path), "Give a file with at least one row.")
    return Peeked(source, rows, _columns([row for _, row in rows[:_LOOKED_AT]]), whole)


def _columns(rows: list[Any]) -> list[str]:
    """The names of the columns in the order in which they come; places where the rows are lists."""
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(map(str, range(len(row))) if isinstance(row, list) else row)
    return list(names)


def take(peeked: Peeked, taker: Taker, most: int = MOST_ROWS) -> list[RawExample]:
    """The examples in the first rows. Raises DataError with file and line, as making the project would."""
    place = Place(peeked.source.path, unit=peeked.source.unit)
    try:
        examples = []
        for place.line, row in peeked.rows[:most]:
            examples.append(taker.take(place.line, row))
        return examples
    except Refused as problem:
        place.refuse(problem)
