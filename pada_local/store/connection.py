"""Opens a project file: locked down from the first statement on, migrated, and refused with a sentence when it is not ours."""

import os
import re
import sys
import types
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb

from pada_local.errors import BusyError, MissingError, StoreError
from pada_local.runtime import keys
from pada_local.store import schema
from pada_local.store.attach import attached
from pada_local.store.steps import migration_steps

_MAGIC_OFFSET, _MAGIC = 8, b"DUCK"
ERRORS = (duckdb.Error, UnicodeError, RuntimeError)
"""What the binding raises; RuntimeError is how an interrupted or internal failure arrives."""


def open_file(
    path: str | Path,
    *,
    read_only: bool = False,
    create: bool = False,
    private_folder: str | Path | None = None,
    key: str = "",
    encryption: bool = False,
) -> duckdb.DuckDBPyConnection:
    """A connection to the project file at `path`, with the newest tables and no way out of the file.

    `create` makes a new file and refuses one that exists. Sorting spills to `private_folder`, in plain text, or not at
    all when none is given. With a `key` the file is encrypted; without one an encrypted file is refused, and a plain file with
    one. `encryption` allows encrypted copies of a plain file. Raises MissingError, BusyError, LockedError or StoreError.
    """
    path = real_path(path)
    _check_path(path, create, key)
    connection = _connect(path, read_only, private_folder, key, encryption)
    try:
        _migrate(connection, path, read_only, create, Path(private_folder) if private_folder else None, key)
    except BaseException as error:
        connection.close()
        if isinstance(error, ERRORS):
            raise explained(error, path) from error
        raise
    return connection


def real_path(path: str | Path) -> Path:
    """Absolute and without links: one file has one name here, and no name means anything else (`:memory:`, `s3:`)."""
    return Path(os.path.realpath(path))


def is_own(path: Path) -> bool:
    """Whether the file is this user's; a missing one is as good as own, since nothing of it is believed."""
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return True


def not_own(path: Path) -> StoreError:
    """The error for writing into a file that was opened for reading only."""
    fix = f"Make a copy of your own: pada backup {path} MINE.duckdb"
    return StoreError("The project file belongs to somebody else, so it is only read.", str(path), fix)


def log_path(path: Path) -> Path:
    """DuckDB's write-ahead log of a project file; it is there only while the file is open or after a crash."""
    return path.with_name(path.name + ".wal")


def explained(error: BaseException, path: Path) -> StoreError:
    """The sentence for a failure of the database. Names the process that owns the file where that is the trouble."""
    text = str(error)
    owner = re.search(r"PID (\d+)", text)
    if "Could not set lock" in text:
        return busy(path, owner.group(1) if owner else "")
    first = next(iter(text.splitlines()), type(error).__name__)
    if isinstance(error, duckdb.FatalException):
        return StoreError(
            "The project file could not be written to the end; the last rows may or may not be kept.",
            f"{path}: {first}",
            "Check that the disk has room, then run again: what was kept is found and not written twice.",
        )
    outside = isinstance(error, (duckdb.IOException, duckdb.TransactionException))
    fix = "Check that the disk has room and that the file may be written, then run again." if outside else ""
    return StoreError("The project file could not be read or written.", f"{path}: {first}", fix)


def busy(path: Path, process_id: str | int) -> BusyError:
    """The error for a file that another process (or this one, once more) has open."""
    who = f"process {process_id}" if process_id else "another process"
    return BusyError(
        "Another program has the project file open.",
        f"{path} is held by {who}.",
        f"Use that program, or end it first{f': kill {process_id}' if process_id else ''}.",
    )


def taken(path: Path) -> StoreError:
    """The error for a new file whose name belongs to another one."""
    return StoreError("There is a file of that name already; it was left as it is.", str(path), "Choose another name.")


def _check_path(path: Path, create: bool, key: str) -> None:
    """Refuses what must not be handed to DuckDB, which makes a missing file and guesses at foreign ones."""
    if create:
        for there in (path, log_path(path)):
            if os.path.lexists(there):
                # A log left behind by a lost project would be replayed into the new file.
                raise taken(there)
        if not path.parent.is_dir():
            raise MissingError("The folder for the project file does not exist.", str(path.parent), f"mkdir -p '{path.parent}'")
        return
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except FileNotFoundError as error:
        raise MissingError(
            "The project file does not exist.", str(path), "Make one with: pada new FILE.duckdb --train F …"
        ) from error
    except OSError as error:
        raise StoreError("The project file cannot be read.", f"{path}: {error.strerror}") from error
    if head[_MAGIC_OFFSET : _MAGIC_OFFSET + len(_MAGIC)] != _MAGIC:
        raise StoreError(
            "This is not a project file.", f"{path} is not a DuckDB database.", "Make one with: pada new FILE.duckdb …"
        )
    if keys.is_encrypted(head) and not key:
        raise keys.locked(path)
    if key and not keys.is_encrypted(head):
        fix = "Leave the key away, or encrypt the file: pada encrypt FILE."
        raise StoreError("The project file is not encrypted, and a key was given for it.", str(path), fix)


@cache
def _spare_pandas() -> None:
    """Answer DuckDB's one question to pandas, what its missing values are, without loading it.

    DuckDB imports it with the first parameter of a statement, for a third of a second of a processor and 85 MB of the host, and
    keeps what it found. A program that has imported pandas already is left alone.
    """
    if "pandas" in sys.modules:
        return
    stand_in = types.ModuleType("pandas")
    stand_in.NaT, stand_in.NA = object(), object()  # type: ignore[attr-defined]
    sys.modules["pandas"] = stand_in
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT ?", [0]).fetchall()
    finally:
        del sys.modules["pandas"]


def _connect(
    path: Path, read_only: bool, private_folder: str | Path | None, key: str, encryption: bool
) -> duckdb.DuckDBPyConnection:
    _spare_pandas()
    try:
        return attached(path, read_only=read_only, private_folder=private_folder, key=key, encryption=encryption)
    except ERRORS as error:
        if "Unique file handle conflict" in str(error):
            raise busy(path, os.getpid()) from error
        if "Could not set lock" in str(error):
            raise explained(error, path) from error
        if key and "Wrong encryption key" in str(error):
            raise keys.wrong(path) from None
        raise _unopened(error, path) from error


def _unopened(error: BaseException, path: Path) -> StoreError:
    log = log_path(path)
    files = f"{path} and {log.name}" if log.exists() else str(path)
    return StoreError(
        "The project file is damaged or was made by another version of DuckDB.",
        f"{path}: {next(iter(str(error).splitlines()), type(error).__name__)}",
        f"Nothing was changed. Keep a copy of {files}, and go on from your last good copy.",
    )


def _migrate(
    connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool, create: bool, private_folder: Path | None, key: str
) -> None:
    """Brings the tables to this program's version, each step and its record in one transaction; refuses foreign ones first.

    A verified copy of an older file is made beside it before anything is changed.
    """
    steps = migration_steps()
    newest, version = steps[-1][0], 0
    if not create:
        version = _version(connection, path)
    if version > newest:
        raise StoreError(
            "The project file was made by a newer version of PaDA Local.",
            f"{path} has version {version}; this program knows versions up to {newest}.",
            "Install the newer version. The file was not changed.",
        )
    if not create:
        _check_tables(connection, path, version)
    if read_only and version < newest:
        raise StoreError("The project file needs an update before it can be read.", str(path), f"Run once: pada status {path}")
    if not create and version < newest and private_folder:
        from pada_local.store import copies  # it needs this module

        copies.make(connection, path, private_folder, _name_of_copy(path, version), key)
    for number, name, statements in steps[version:]:
        connection.execute("BEGIN TRANSACTION")
        connection.execute(statements)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", [number, name, now])
        connection.execute("COMMIT")
        # Replaying changes of tables from the log is where DuckDB has had its bugs: leave none in it.
        connection.execute("CHECKPOINT")


def _name_of_copy(path: Path, version: int) -> Path:
    endings = ("", *(f"-{n}" for n in range(2, 1000)))
    names = (path.with_name(f"{path.stem}.version-{version}{ending}{path.suffix}") for ending in endings)
    return next(name for name in names if not os.path.lexists(name))


def _version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    if not schema.version_table_is_ours(connection):
        raise StoreError("This is a DuckDB database but not a project file.", str(path), "Make one with: pada new FILE.duckdb …")
    row = connection.execute(f"SELECT coalesce(max(version), 0) FROM {schema.VERSIONS}").fetchone()
    return int(row[0]) if row else 0


def _check_tables(connection: duckdb.DuckDBPyConnection, path: Path, version: int) -> None:
    """Refuses a file with anything but the tables of its version: whoever made it could have it answer with anything."""
    wrong = schema.differences(connection, version)
    if wrong:
        shown = "; ".join(wrong[:3]) + ("; …" if len(wrong) > 3 else "")
        fix = "Nothing was changed. Go on from a good copy; do not open files of people whom you do not trust."
        raise StoreError("The project file's tables are not those that this program makes.", f"{path}: {shown}.", fix)
