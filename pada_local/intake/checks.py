"""Whether the metric can be trusted on these references: each must get the full score when it answers itself."""

from collections.abc import Sequence

from pada_local.data.columns import RawExample
from pada_local.data.formats import Source
from pada_local.errors import DataError
from pada_local.metrics import registry
from pada_local.runtime.safe import safe_line

_REMEMBERED = 10_000


class MetricCheck:
    """Looks at references as they come; `finish` raises when one of them was wrong."""

    def __init__(self, metric: str) -> None:
        registry.check_references(metric, ["0"])  # an unknown name is said before files are read
        self._metric = metric
        self._sound: set[str] = set()
        self._seen = self._wrong = 0
        self._first = ""

    def look(self, source: Source, rows: Sequence[RawExample]) -> None:
        """Score every reference against itself; equal ones once."""
        fresh = list({row.output: row for row in rows if row.output not in self._sound}.values())
        wrong = set(registry.check_references(self._metric, [row.output for row in fresh]))
        if len(self._sound) < _REMEMBERED:
            self._sound.update(row.output for place, row in enumerate(fresh) if place not in wrong)
        self._seen += len(rows)
        self._wrong += len(wrong)
        if wrong and not self._first:
            row = fresh[min(wrong)]
            why = registry.format_error(self._metric, row.output) or "It does not give itself the full score."
            self._first = f"{source.at(row.line)}: {safe_line(row.output, 60)} ({why})"

    def finish(self) -> None:
        """Raises DataError with the number of references that cannot be scored and one of them."""
        if not self._wrong:
            return
        known = ", ".join(registry.known())
        raise DataError(
            f"The metric {self._metric} cannot score these references.",
            f"{self._wrong} of {self._seen} references, such as {self._first}",
            f"Choose another metric ({known}) or correct them.",
        )
