"""The door to DuckDB: a database in memory, locked down, to which the project file is attached as its only file.

Everything is closed before the file is opened, so that a file from somebody else never sees an open door. What stays
allowed are the file itself, its log, and one private folder, in which copies are made.
"""

import importlib.util
from pathlib import Path

import duckdb

from pada_local.errors import MissingError

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


def attached(
    path: Path, *, read_only: bool, private_folder: str | Path | None, key: str = "", encryption: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection whose default database is the file. Raises what DuckDB raises, with nothing left open.

    `encryption` allows copies with a key from a file without one.

    With a key, what is sorted on disk is encrypted like the file. An encrypted file is never made or opened without one.
    """
    connection = duckdb.connect(":memory:", config=_CONFIG | {"temp_directory": str(private_folder or "")})
    try:
        if key or encryption:
            allow_encryption(connection)
        if private_folder:
            connection.execute(f"SET allowed_directories = [{quoted(f'{private_folder}/')}]")
        connection.execute(f"SET allowed_paths = [{', '.join(quoted(f'{path}{end}') for end in _LOGS)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(attach_statement(path, PROJECT, read_only=read_only, key=key))
        check_encrypted(connection, PROJECT, bool(key))
        connection.execute(f"USE {PROJECT}")
    except BaseException:
        connection.close()
        raise
    return connection


def allow_encryption(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's OpenSSL, which lies in its httpfs extension. The network part stays locked: external access is off."""
    found = importlib.util.find_spec("duckdb_extension_httpfs")
    folders = (found.submodule_search_locations or []) if found else []
    files = [Path(folder) / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        fix = f"pip install duckdb-extension-httpfs=={duckdb.__version__}"
        raise MissingError("Encryption needs a package that is not installed.", "DuckDB brings its OpenSSL in it.", fix)
    connection.execute(f"LOAD {quoted(str(file))}")
    connection.execute("SET temp_file_encryption = true")


def check_encrypted(connection: duckdb.DuckDBPyConnection, name: str, wanted: bool) -> None:
    """Raises duckdb.Error unless the attached database is encrypted, or plain, as it was meant to be."""
    found = connection.execute("SELECT encrypted FROM duckdb_databases() WHERE database_name = ?", [name]).fetchone()
    if found != (wanted,):
        raise duckdb.IOException(f"the file is {'not ' if wanted else ''}encrypted, against what was asked for")


def attach_statement(path: Path, name: str, *, read_only: bool = False, key: str = "") -> str:
    """The statement that opens a file (or makes it) under a name, encrypted when there is a key."""
    options = ["TYPE duckdb"] + (["READ_ONLY"] if read_only else []) + ([f"ENCRYPTION_KEY {quoted(key)}"] if key else [])
    return f"ATTACH {quoted(str(path))} AS {name} ({', '.join(options)})"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
