"""The stored events of one run, a page at a time, with the moment of each: what a replay plays."""

from typing import Any

from pada_local.errors import UsageError
from pada_local.export.report import find_run
from pada_local.records import Run

MOST_EVENTS = 2000

# What belongs to the project and not to a run (no run id) is played where it fell among the run's own events. Time in which
# a run was paused is left out: where it starts or goes on, no time has passed. A clock that was set back counts as no time.
_TIMED = """
WITH ends AS (SELECT min(seq) AS first_seq, max(seq) AS last_seq FROM events WHERE run_id = ?),
chosen AS (
    SELECT seq, kind, epoch_ms(CAST("at" AS TIMESTAMP)) AS ms FROM events, ends
    WHERE run_id IN (?, '') AND seq BETWEEN first_seq AND last_seq),
steps AS (
    SELECT seq, CASE kind WHEN 'RunStarted' THEN 0 ELSE greatest(0, coalesce(ms - lag(ms) OVER (ORDER BY seq), 0)) END AS step
    FROM chosen),
timed AS (SELECT seq, sum(step) OVER (ORDER BY seq) / 1000.0 AS moment FROM steps)
"""


def stored_events(project: Any, name: str, since: int) -> dict[str, Any]:
    """At most MOST_EVENTS events of a run from the number `since` on, each as [number, moment, body]; with them how many
    there are in all (`count`) and how many seconds they took.

    A moment is in seconds from the first event. Raises UsageError for a run that is not there or has no stored events.
    """
    run = find_run(project.get(Run), name)
    [(count, seconds)] = project.sql(f"{_TIMED} SELECT count(*), max(moment) FROM timed", [run.id, run.id])
    if not count:
        raise UsageError(f"The run {run.id} has no stored events to replay.", "It was made without a host, or has not begun.")
    query = f"{_TIMED} SELECT seq, moment, body FROM timed JOIN events USING (seq) WHERE seq >= ? ORDER BY seq LIMIT ?"
    rows = project.sql(query, [run.id, run.id, since, MOST_EVENTS])
    facts = {"run_id": run.id, "recipe": run.recipe, "seed": run.seed, "count": count, "seconds": float(seconds)}
    return facts | {"events": [[seq, float(moment), body] for seq, moment, body in rows]}
