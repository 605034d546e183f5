"""Adapters as blobs, one table each, so that a new one never makes DuckDB write the old ones again.

A table is made in a transaction of its own; its data and the row in `adapters` that marks it whole commit together in
the next one. A table without that row is a torn write and goes when the file is opened.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from pada_local.errors import StoreError
from pada_local.records import Adapter

Execute = Callable[..., list[tuple[Any, ...]]]
"""Runs one statement with its parameters and returns what it found."""

_PREFIX = "adapter_"
# Table names do not tell upper from lower case: with capitals, one adapter could take another's table.
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def check(adapter: Adapter, files: dict[str, bytes]) -> None:
    """Raises StoreError unless the files are those that the adapter's hashes name: nothing unreadable gets in."""
    if not _ID.fullmatch(adapter.id):
        raise StoreError(f"'{adapter.id}' cannot be the id of an adapter.", "It takes lower-case letters, digits, - and _.")
    _compare(adapter, files)


def make_table(execute: Execute, adapter_id: str) -> None:
    """An empty table for the adapter; an earlier one that was never marked has just been dropped with `drop`."""
    execute(f'CREATE TABLE "{_PREFIX}{adapter_id}" ("name" VARCHAR PRIMARY KEY, "data" BLOB NOT NULL)')


def drop(execute: Execute, adapter_id: str) -> None:
    """Drops the adapter's table if there is one."""
    execute(f'DROP TABLE IF EXISTS "{_PREFIX}{adapter_id}"')


def set_aside(execute: Execute, adapter_id: str, as_id: str) -> None:
    """Keep the adapter's bytes, whatever they are, under a name that nothing uses."""
    if execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [f"{_PREFIX}{adapter_id}"]):
        execute(f'CREATE TABLE "quarantined_{as_id}" AS SELECT * FROM "{_PREFIX}{adapter_id}"')
        drop(execute, adapter_id)


def write(execute: Execute, adapter_id: str, files: dict[str, bytes]) -> None:
    """The files' bytes, into the adapter's table."""
    for name, data in files.items():
        execute(f'INSERT INTO "{_PREFIX}{adapter_id}" VALUES (?, ?)', [name, data])


def read(execute: Execute, adapter: Adapter) -> dict[str, bytes]:
    """The adapter's files. Raises StoreError when one of them is not what was written."""
    files = {name: bytes(data) for name, data in execute(f'SELECT "name", "data" FROM "{_PREFIX}{adapter.id}"')}
    _compare(adapter, files)
    return files


def unmarked(execute: Execute) -> list[str]:
    """Ids of adapters whose table is there and whose row is not."""
    query = (
        f"SELECT substr(table_name, {len(_PREFIX) + 1}) AS id FROM duckdb_tables()"
        f" WHERE starts_with(table_name, '{_PREFIX}') AND id NOT IN (SELECT id FROM adapters) ORDER BY id"
    )
    return [row[0] for row in execute(query)]


def _compare(adapter: Adapter, files: dict[str, bytes]) -> None:
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    wrong = sorted(name for name in {*found, *adapter.sha256} if found.get(name) != adapter.sha256.get(name))
    if wrong:
        raise StoreError(
            f"Adapter {adapter.id} is not what was trained.",
            f"These files are missing or changed: {', '.join(wrong)}.",
            "Go on from a good copy of the project file, or run again with another seed to train it anew.",
        )
