"""Where a reader stands in a foreign file, and the one sentence with which it refuses what stands there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pada_local.errors import DataError

MAX_ROW_BYTES = 4_000_000
"""No row may be longer: it would not fit a student's context by far, and a file without line ends must not fill the memory."""


class Refused(Exception):
    """What is wrong with a row; `Place.refuse` turns it into a DataError that names file and line."""


@dataclass
class Place:
    """Where a reader is. `unit` is line for text files and row for tables; `done_bytes` of `total_bytes` are read."""

    path: Path
    line: int = 0
    unit: str = "line"
    done_bytes: int = 0
    total_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.path}, {self.unit} {self.line}"

    def refuse(self, problem: object) -> NoReturn:
        """Raises the DataError for the row at this place."""
        raise DataError("A row of the data file cannot be taken.", f"{self}: {problem}.", "Correct or remove that row.")


def shown(name: object) -> str:
    """A foreign name or text so that it can stand in a sentence: short, and with control characters made visible."""
    text = str(name)
    return json.dumps(text if len(text) <= 60 else text[:60] + "…")
