"""The door to DuckDB: a database in memory, locked down, to which the project file is attached as its only file.

Everything is closed before the file is opened, so that a file from somebody else never sees an open door. What stays
allowed are the file itself, its log, and one private folder, in which copies are made.
"""

from pathlib import Path

import duckdb

PROJECT = "project"
"""The attached file's name in SQL."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "max_temp_directory_size": "4GB",
    "memory_limit": "1GB",
    "threads": "2",
}
_LOGS = ("", ".wal", ".wal.checkpoint", ".wal.recovery")


def attached(path: Path, *, read_only: bool, private_folder: str | Path | None) -> duckdb.DuckDBPyConnection:
    """A connection whose default database is the file. Raises what DuckDB raises, with nothing left open."""
    connection = duckdb.connect(":memory:", config=_CONFIG | {"temp_directory": str(private_folder or "")})
    try:
        if private_folder:
            connection.execute(f"SET allowed_directories = [{quoted(f'{private_folder}/')}]")
        connection.execute(f"SET allowed_paths = [{', '.join(quoted(f'{path}{end}') for end in _LOGS)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(attach_statement(path, PROJECT, read_only=read_only))
        connection.execute(f"USE {PROJECT}")
    except BaseException:
        connection.close()
        raise
    return connection


def attach_statement(path: Path, name: str, *, read_only: bool = False, key: str | None = None) -> str:
    """The statement that opens a file (or makes it) under a name, encrypted when there is a key."""
    options = ["TYPE duckdb"] + (["READ_ONLY"] if read_only else []) + ([f"ENCRYPTION_KEY {quoted(key)}"] if key else [])
    return f"ATTACH {quoted(str(path))} AS {name} ({', '.join(options)})"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
