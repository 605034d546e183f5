"""Whether the metric can be trusted on these references: each must get the full score when it answers itself."""

import time
from collections.abc import Sequence

from pada_local.data.columns import RawExample
from pada_local.data.formats import Source
from pada_local.errors import DataError
from pada_local.metrics import registry
from pada_local.runtime.safe import safe_line

_REMEMBERED, _AT_ONCE = 10_000, 4


class MetricCheck:
    """Looks at references as they come; `finish` raises when one of them was wrong."""

    def __init__(self, metric: str) -> None:
        registry.check_references(metric, ["0"])  # an unknown name is said before files are read
        self._metric = metric
        self._sound: set[str] = set()
        self.seen = self.wrong = 0
        """References looked at, and those that do not give themselves the full score."""
        self.first = ""
        """Where the first of those stands, what it is, and why."""

    def look(self, source: Source, rows: Sequence[RawExample]) -> None:
        """Score every reference against itself; equal ones once."""
        fresh = list({row.output: row for row in rows if row.output not in self._sound}.values())
        wrong = set(registry.check_references(self._metric, [row.output for row in fresh]))
        if len(self._sound) < _REMEMBERED:
            self._sound.update(row.output for place, row in enumerate(fresh) if place not in wrong)
        self.seen += len(rows)
        outputs = {fresh[place].output for place in wrong}
        self.wrong += sum(row.output in outputs for row in rows)
        if wrong and not self.first:
            row = fresh[min(wrong)]
            why = registry.format_error(self._metric, row.output) or "It does not give itself the full score."
            self.first = f"{source.at(row.line)}: {safe_line(row.output, 60)} ({why})"

    def finish(self) -> None:
        """Raises DataError with the number of references that cannot be scored and one of them."""
        if not self.wrong:
            return
        known = ", ".join(registry.known())
        raise DataError(
            f"The metric {self._metric} cannot score these references.",
            f"{self.wrong} of {self.seen} references, such as {self.first}",
            f"Choose another metric ({known}) or correct them.",
        )


def try_metric(metric: str, source: Source, rows: Sequence[RawExample], seconds: float = 3.0) -> MetricCheck:
    """A look at these references that ends in time: `seen` says how many were reached. Raises UsageError, MissingError."""
    check, end = MetricCheck(metric), time.monotonic() + seconds
    for start in range(0, len(rows), _AT_ONCE):
        check.look(source, rows[start : start + _AT_ONCE])
        if time.monotonic() > end:
            break
    return check
