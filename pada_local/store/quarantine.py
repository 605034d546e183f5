"""Damaged rows are taken out of their tables and kept: in `quarantine` as JSON, an adapter's bytes in a table of their own."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from pada_local.records import Adapter, Quarantined, Row, content_id
from pada_local.store import adapters, seals
from pada_local.store.tables import NAMES, table_of

Execute = Callable[..., list[tuple[Any, ...]]]
_KINDS = {name: kind for kind, (name, _) in NAMES.items()}


def kind_of(table: str) -> type[Row]:
    """The record type of a table."""
    return _KINDS[table]


def take_out(execute: Execute, table: str, key: str, reason: str) -> Quarantined | None:
    """Move one row into the quarantine, inside the caller's transaction; None when there is no such row."""
    kind = kind_of(table)
    where = f'"{table}" WHERE {seals.key_of(table_of(kind))} = ?'
    found = execute(f'SELECT CAST(to_json("{table}") AS VARCHAR) FROM {where}', [key])
    if not found:
        return None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    number = execute('SELECT count(*) FROM quarantine WHERE "table" = ? AND "key" = ?', [table, key])[0][0]
    row = Quarantined(id=content_id(table, key, number), table=table, key=key, body=found[0][0], reason=reason, at=now)
    kept = table_of(Quarantined)
    for parameters in kept.batches([row]):
        execute(kept.insert(replacing=False), parameters)
    if kind is Adapter:
        adapters.set_aside(execute, key, row.id)
    execute(f"DELETE FROM {where}", [key])
    execute('DELETE FROM marks WHERE "table" = ? AND "key" = ?', [table, key])
    return row


REMADE = {"adapters": ("train", "id"), "predictions": ("evaluate", "adapter_id")}
"""Tables whose rows a run makes again: by which stage, and where their row names the adapter."""


def undo_stages(execute: Execute, taken: Iterable[Quarantined], reason: str) -> list[str]:
    """Runs that used what was taken out make it again: the done marks of those stages go too, and the runs are called paused.

    Returns the ids of the runs.
    """
    runs = set()
    for stage, adapter_id in sorted({(REMADE[row.table][0], str(body_of(row)[REMADE[row.table][1]])) for row in taken}):
        query = (
            'SELECT s."key", s.run_id FROM stages s JOIN rounds r ON r.run_id = s.run_id AND r.number = s.round'
            " WHERE r.adapter_id = ? AND s.name = ? ORDER BY ALL"
        )
        for key, run_id in execute(query, [adapter_id, stage]):
            runs.add(run_id)
            take_out(execute, "stages", f"{key} {run_id}", reason)
        runs |= {run_id for (run_id,) in execute("SELECT run_id FROM test_looks WHERE adapter_id = ?", [adapter_id])}
    execute("UPDATE runs SET state = 'paused', reason = ? WHERE id IN (SELECT unnest(?::VARCHAR[]))", [reason, sorted(runs)])
    return sorted(runs)


def body_of(row: Quarantined) -> dict[str, Any]:
    """The columns of a row as it was taken out."""
    return dict(msgspec.json.decode(row.body))
