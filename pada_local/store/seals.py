"""The manifest: a chain of hashes over what is finished, so that a row which was changed or lost by other hands is found.

Every row has a number (`row_order`). When a stage is done, a link is added that names all rows written since the link
before, with the start of each one's hash; the link's own hash covers the one before it. Of rows that change as a run goes
on (`CHANGING`) a link covers what never changes, and a mark keeps the hash of the whole row as this program last wrote it.

This finds damage and careless edits. Who wants to deceive can make all hashes anew: there is no secret in them.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pada_local import records
from pada_local.records import Manifest, Row
from pada_local.store.tables import NAMES, Table, table_of

Execute = Callable[..., list[tuple[Any, ...]]]

CHANGING: dict[type[Row], frozenset[str]] = {
    records.Run: frozenset({"state", "reason", "champion_round"}),
    records.Round: frozenset({"state", "adapter_id", "train_examples", "train_seconds", "validation_mean"}),
    records.Stage: frozenset({"state", "counts", "elapsed_s"}),
    records.ScoreRow: frozenset({"value", "why", "call_key"}),
    records.Strategy: frozenset({"edited", "quota", "state"}),
    records.Candidate: frozenset({"input", "output", "state", "reason", "selected"}),
}
"""Columns that are written again after their row was made."""

_OWN = (records.Manifest, records.Mark, records.Quarantined)
SEALED = tuple(kind for kind in NAMES if kind not in _OWN)
RENEWED = ("repair", "forget", "renewed")
"""Links that vouch for everything anew: what the links before them said of rows no longer counts."""
_PREFIX = 8  # hex digits of a row's hash: a damaged row passes once in four thousand million


def fingerprint(table: Table, without: frozenset[str] = frozenset()) -> str:
    """SQL for the SHA-256 of a row: all columns as JSON texts, so that values cannot run into each other."""
    columns = ", ".join(f'CAST("{column.name}" AS VARCHAR)' for column in table.columns if column.name not in without)
    return f"sha256(CAST(to_json([{columns}]) AS VARCHAR))"


def key_of(table: Table) -> str:
    """SQL for a row's primary key as one text."""
    return "concat_ws(' ', " + ", ".join(f'"{name}"' for name in table.key) + ")"


def add(execute: Execute, run_id: str, stage_key: str, name: str) -> None:
    """A link over all rows since the last one; with a name of RENEWED, over all rows that there are."""
    found = execute("SELECT seq, high, sha256 FROM manifest ORDER BY seq DESC LIMIT 1")
    seq, low, previous = found[0] if found else (0, 0, "")
    low = 0 if name in RENEWED else low
    highest = " UNION ALL ".join(f'SELECT max(row_order) AS n FROM "{NAMES[kind][0]}"' for kind in SEALED)
    high = max(execute(f"SELECT coalesce(max(n), 0) FROM ({highest})")[0][0], low)
    rows = {NAMES[kind][0]: listed(execute, kind, low, high) for kind in SEALED}
    link = Manifest(seq=seq + 1, run_id=run_id, stage_key=stage_key, name=name, low=low, high=high,
                    rows={table: text for table, text in rows.items() if text}, previous=previous, sha256="")  # fmt: skip
    link = msgspec.structs.replace(link, sha256=link_hash(link))
    table = table_of(Manifest)
    for parameters in table.batches([link]):
        execute(table.insert(replacing=False), parameters)


def listed(execute: Execute, kind: type[Row], low: int, high: int) -> str:
    """The rows of a table with a number above `low`, up to `high`: "number:hash,number:hash", in order."""
    table = table_of(kind)
    what = f"substr({fingerprint(table, CHANGING.get(kind, frozenset()))}, 1, {_PREFIX})"
    query = (
        f"SELECT coalesce(string_agg(concat(row_order, ':', {what}), ',' ORDER BY row_order), '')"
        f' FROM "{table.name}" WHERE row_order > ? AND row_order <= ?'
    )
    return str(execute(query, [low, high])[0][0])


def link_hash(link: Manifest) -> str:
    """The hash of a link: of all its fields but the hash itself."""
    body = msgspec.json.encode(msgspec.structs.replace(link, sha256=""), order="sorted")
    return hashlib.sha256(body).hexdigest()


def mark(execute: Execute, kind: type[Row], rows: list[Row], *, replacing: bool) -> None:
    """Keep the hashes of rows that may change. A row that was there before `put` keeps the mark that it has."""
    if kind not in CHANGING or not rows:
        return
    table = table_of(kind)
    first = table.key[0]
    action = "DO UPDATE SET sha256 = excluded.sha256" if replacing else "DO NOTHING"
    keys = [" ".join(str(getattr(row, name)) for name in table.key) for row in rows]
    execute(
        f"""INSERT INTO marks ("table", "key", sha256) SELECT ?, {key_of(table)}, {fingerprint(table)} FROM "{table.name}"
            WHERE "{first}" IN (SELECT unnest(?::VARCHAR[])) AND {key_of(table)} IN (SELECT unnest(?::VARCHAR[]))
            ON CONFLICT ("table", "key") {action}""",
        [table.name, list({str(getattr(row, first)) for row in rows}), keys],
    )


def mark_all(execute: Execute) -> None:
    """Forget every mark and make them anew from the rows as they are."""
    execute("DELETE FROM marks")
    for kind in CHANGING:
        table = table_of(kind)
        execute(
            f'INSERT INTO marks ("table", "key", sha256) SELECT ?, {key_of(table)}, {fingerprint(table)} FROM "{table.name}"',
            [table.name],
        )


def changed_rows(execute: Execute, kind: type[Row]) -> list[str]:
    """Keys of rows that are not as this program last wrote them."""
    if kind not in CHANGING:
        return []
    table = table_of(kind)
    rows = f'SELECT {key_of(table)} AS k, {fingerprint(table)} AS now FROM "{table.name}"'
    query = f'SELECT k FROM ({rows}) JOIN marks ON marks."table" = ? AND marks."key" = k WHERE marks.sha256 != now ORDER BY k'
    return [key for (key,) in execute(query, [table.name])]


def differences(before: str, now: str) -> Iterator[tuple[int, str]]:
    """Numbers of rows on which two lists (see `listed`) differ, each with `missing`, `changed` or `new`."""
    then, here = (dict(entry.split(":") for entry in text.split(",") if entry) for text in (before, now))
    for number in sorted({*then, *here}, key=int):
        if number not in here:
            yield int(number), "missing"
        elif number not in then:
            yield int(number), "new"
        elif then[number] != here[number]:
            yield int(number), "changed"
