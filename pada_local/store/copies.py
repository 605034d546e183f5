"""Copies of a whole project file: compacted (nothing of deleted rows is left), verified, and there whole or not at all."""

import os
import secrets
import shutil
from pathlib import Path

import duckdb

from pada_local.errors import StoreError
from pada_local.store.attach import PROJECT, attach_statement, check_encrypted
from pada_local.store.connection import ERRORS, explained, taken

_COPY = "fresh_copy"
Digests = dict[str, tuple[int, str]]
"""Rows of each table and the hash of their hashes."""


def make(connection: duckdb.DuckDBPyConnection, path: Path, private_folder: Path, to: Path, key: str) -> dict[str, int]:
    """Copy the attached project to a new file `to`; returns the number of rows by table.

    The caller keeps others from writing meanwhile. DuckDB's own COPY FROM DATABASE sets options on its way, which are locked here
    (in 1.5.5 it does so or not by what an uninitialised field holds), so tables are made and filled one by one.
    Raises StoreError when `to` is taken, when there is no room, or when the copy does not read back as what was copied.
    """
    if os.path.lexists(to) or os.path.lexists(f"{to}.wal"):
        raise taken(to)
    draft = private_folder / f"{secrets.token_hex(8)}.duckdb"
    try:
        connection.execute(f"USE {PROJECT}")
        wanted = _write(connection, draft, key)
        found = _read_back(connection, draft, key)
        if wanted != found:
            wrong = ", ".join(sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name)))
            raise StoreError("The copy does not hold what was copied, so it was thrown away.", f"{path}: {wrong}", "Try again.")
        _move(draft, to)
    except ERRORS as error:
        raise explained(error, path) from error
    except OSError as error:
        raise StoreError("The copy could not be written.", f"{to}: {error.strerror}", "Check that the disk has room.") from error
    finally:
        for left in private_folder.glob(f"{draft.name}*"):
            left.unlink()
    return {name: rows for name, (rows, _) in found.items()}


def _write(connection: duckdb.DuckDBPyConnection, draft: Path, key: str) -> Digests:
    connection.execute(attach_statement(draft, _COPY, key=key))
    check_encrypted(connection, _COPY, bool(key))
    os.chmod(draft, 0o600)
    try:
        connection.execute(f"USE {_COPY}")
        for statement in _statements(connection):
            connection.execute(statement)
        digests = _digests(connection, PROJECT)
        connection.execute(f"CHECKPOINT {_COPY}")
    finally:
        connection.execute(f"USE {PROJECT}")
        connection.execute(f"DETACH {_COPY}")
    return digests


def _statements(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What makes the same sequences (where they are now), tables and rows in the database in use."""

    def catalog(what: str, name: str) -> list[tuple[str, str]]:
        query = f"SELECT {name}, sql FROM {what}() WHERE database_name = ? AND schema_name = 'main' ORDER BY ALL"
        return connection.execute(query, [PROJECT]).fetchall()

    tables = catalog("duckdb_tables", "table_name")
    made = [sql for _, sql in (*catalog("duckdb_sequences", "sequence_name"), *tables)]
    return made + [f"INSERT INTO {_COPY}.main.{_name(name)} SELECT * FROM {PROJECT}.main.{_name(name)}" for name, _ in tables]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_back(connection: duckdb.DuckDBPyConnection, draft: Path, key: str) -> Digests:
    connection.execute(attach_statement(draft, _COPY, read_only=True, key=key))
    try:
        return _digests(connection, _COPY)
    finally:
        connection.execute(f"DETACH {_COPY}")


def _digests(connection: duckdb.DuckDBPyConnection, database: str) -> Digests:
    columns: dict[str, list[str]] = {}
    query = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns() JOIN duckdb_tables() USING"
        " (database_name, schema_name, table_name) WHERE database_name = ? ORDER BY table_name, column_index"
    )
    for table, column, kind in connection.execute(query, [database]).fetchall():
        # Each value is hashed by itself: a row put together as one text would take several times the room of its values.
        value = _name(column) if kind == "BLOB" else f"CAST({_name(column)} AS VARCHAR)"
        columns.setdefault(table, []).append(f"coalesce(sha256({value}), 'null')")
    found = {}
    for table, values in columns.items():
        row = f"sha256(concat_ws(',', {', '.join(values)}))"
        hashes = f"SELECT {row} AS h FROM {database}.main.{_name(table)}"
        query = f"SELECT count(*), coalesce(sha256(string_agg(h, '' ORDER BY h)), '') FROM ({hashes})"
        count, digest = connection.execute(query).fetchone() or (0, "")
        found[table] = (int(count), str(digest))
    return found


def _move(draft: Path, to: Path) -> None:
    """Give the finished file its name: on another file system its bytes are copied first."""
    beside = to.with_name(f".{to.name}.{secrets.token_hex(4)}.new")
    try:
        try:
            os.rename(draft, beside)
        except OSError:
            with draft.open("rb") as source, open(beside, "xb", opener=_private) as target:
                shutil.copyfileobj(source, target, 2**20)
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        publish(beside, to)
    finally:
        beside.unlink(missing_ok=True)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def publish(draft: Path, path: Path) -> None:
    """Gives the finished file its name, unless somebody else took that name meanwhile."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise taken(path) from error
    except OSError:
        # No hard links on this file system: take the name with an empty file, which fails when it is taken, then fill it.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError as error:
            raise taken(path) from error
        os.replace(draft, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
