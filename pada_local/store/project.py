"""The open project: typed rows in and out of one DuckDB file, with one writer. Implements `context.Rows`."""

import itertools
import logging
import os
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import duckdb

from pada_local.errors import MissingError, StoreError, UsageError
from pada_local.records import Adapter, Example, Manifest, Row, Setting
from pada_local.store import adapters, copies, erase, leftovers, quarantine, seals
from pada_local.store.attach import PROJECT
from pada_local.store.connection import ERRORS, busy, explained, is_own, log_path, not_own, open_file, real_path, taken
from pada_local.store.tables import table_of

log = logging.getLogger(__name__)
AnyRow = TypeVar("AnyRow", bound=Row)
FREE_AT_MOST = 0.15
"""Free part of a file from which on it is compacted when its host leaves."""
COMPACTED_AT_MOST = 256 * 2**20
"""Bytes of content up to which that is done unasked: a copy is written, read back and compared while others wait for the file."""
ROWS_PER_BATCH = 20_000
"""Rows of a new file that are held in memory and committed at a time."""


class Project:
    """A project file that this process has open. Made by `create` or `open`; every method may be called from any thread."""

    _open_here: ClassVar[set[Path]] = set()
    """Paths open in this process. Even reading such a file by another way and closing it would drop DuckDB's lock on it."""

    def __init__(self, path: Path, *, read_only: bool, create: bool, key: str = "", encryption: bool = False) -> None:
        if path in self._open_here:
            raise busy(path, os.getpid())
        self.path, self.read_only, self._key, self._encryption = path, read_only, key, encryption
        self._lock = threading.RLock()
        self._depth = 0
        self._spoiled = False  # a part of the open transaction failed, so none of it may commit
        self._broken = False  # DuckDB has given the connection up; the file is opened again when it is next used
        self._closed = False
        self._private = leftovers.private_folder(path, read_only)
        try:
            self._connection = self._opened(create)
        except BaseException:
            self._private.cleanup()
            raise
        self._open_here.add(path)

    @classmethod
    def create(cls, path: str | Path, settings: dict[str, str], examples: Iterable[Example], key: str = "") -> "Project":
        """A new project file, open; encrypted when there is a key.

        It appears at `path` whole or not at all, and never takes the place of another file.

        Examples are taken a batch at a time, so they need not fit into memory.
        """
        path = real_path(path)
        if os.path.lexists(path) or os.path.lexists(log_path(path)):
            raise taken(path)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
        try:
            with cls(draft, read_only=False, create=True, key=key) as project:
                os.chmod(draft, 0o600)
                project.put(*(Setting(key=key, value=value) for key, value in settings.items()))
                rows = iter(examples)
                # Many transactions are safe here: nobody sees the draft before it is complete.
                while batch := list(itertools.islice(rows, ROWS_PER_BATCH)):
                    project.put(*batch)
                project.seal("", "", "created")
            copies.publish(draft, path)
        finally:
            draft.unlink(missing_ok=True)
            log_path(draft).unlink(missing_ok=True)
        return cls.open(path, key=key)

    @classmethod
    def open(cls, path: str | Path, read_only: bool = False, key: str = "", encryption: bool = False) -> "Project":
        """The project at `path`. Raises MissingError, BusyError (it names the process), LockedError or StoreError.

        `encryption` makes an encrypted copy of a plain file possible. A file of another user is opened for reading only.
        """
        path = real_path(path)
        read_only = read_only or not is_own(path)
        project = cls(path, read_only=read_only, create=False, key=key, encryption=encryption)
        if not read_only:
            try:
                leftovers.sweep(path, Path(project._private.name))
                project._sweep()
                if not project.count(Manifest):
                    project.renew("renewed")  # made before there was a manifest
            except BaseException:
                project.close()
                raise
        return project

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Writes everything into the one file, leaving no log beside it. Closing twice is harmless."""
        with self._lock:
            if self._closed:
                return
            try:
                if not self.read_only:
                    self._ready().execute("CHECKPOINT")
            except ERRORS as error:
                raise StoreError(
                    "The project file was closed, but its log could not be merged into it.",
                    f"{self.path}: {error}",
                    f"Nothing is lost: keep {log_path(self.path).name} beside the file and open the project again.",
                ) from error
            finally:
                self._closed = True
                self._connection.close()
                self._private.cleanup()
                self._open_here.discard(self.path)

    def close_compact(self) -> None:
        """Close; a file of which a large part is free is replaced by a compact copy first, if there is room for one.

        Raises what `close` raises. A file with a second name is left as it is: the copy would part the two.
        """
        with self._lock:
            try:
                if not self._closed and not self.read_only and (free := self.free_share()) > FREE_AT_MOST:
                    facts = self.path.stat()
                    if facts.st_nlink == 1 and facts.st_size * (1 - free) <= COMPACTED_AT_MOST:
                        self.renew_file(keep_mode=True)
            except (StoreError, OSError) as error:
                log.warning("the file was not compacted: %s", type(error).__name__)
            self.close()

    def free_share(self) -> float:
        """The part of the file's blocks that hold nothing: DuckDB uses them again and does not give them back."""
        query = "SELECT total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = ?"
        with self._lock:
            self._run("CHECKPOINT")
            [(blocks, free)] = self._run(query, [PROJECT])
        return free / blocks if blocks else 0.0

    # Writing

    def put(self, *rows: Row) -> None:
        """Insert rows in one transaction; a row whose primary key is there already is left as it is."""
        self._insert(rows, replacing=False)

    def replace(self, *rows: Row) -> None:
        """Insert rows or replace those with the same primary key (they keep their place), in one transaction."""
        self._insert(rows, replacing=True)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything written inside commits together or not at all; other threads wait. May be nested."""
        with self._lock:
            if self._depth == 0:
                with self._transaction():
                    yield
                return
            self._depth += 1
            try:
                yield
            except BaseException:
                # DuckDB has no inner transactions: a caller that swallows this must not commit the other half.
                self._spoiled = True
                raise
            finally:
                self._depth -= 1

    def put_adapter(self, adapter: Row, files: dict[str, bytes], *more: Row) -> None:
        """Keep an adapter: its bytes, its row and `more` rows commit together. One that is there already is left as it is."""
        if not isinstance(adapter, Adapter):
            raise TypeError(f"{type(adapter).__name__} is not an Adapter")
        with self._lock:
            if self._depth:
                raise UsageError("An adapter is kept in a transaction of its own, not inside together().")
            if self.count(Adapter, id=adapter.id):
                return
            adapters.check(adapter, files)
            with self._transaction():
                adapters.drop(self._run, adapter.id)
            with self._transaction():
                adapters.make_table(self._run, adapter.id)
            with self._transaction():
                adapters.write(self._run, adapter.id, files)
                self._statements([adapter, *more], replacing=False)

    def seal(self, run_id: str, stage_key: str, name: str) -> None:
        """Add a link to the manifest: everything written since the last one is finished (see `seals`)."""
        with self.together():
            seals.add(self._run, run_id, stage_key, name)

    def renew(self, name: str) -> None:
        """Vouch for every row as it is now; `name` is one of seals.RENEWED."""
        with self.together():
            seals.mark_all(self._run)
            seals.add(self._run, "", "", name)

    def quarantine(self, rows: Iterable[tuple[str, str, str]]) -> list[str]:
        """Take rows (table, key, reason) out of their tables and keep them; returns the ids of runs that must make them anew."""
        with self.together():
            found = [quarantine.take_out(self._run, *row) for row in rows]
            taken = [row for row in found if row is not None and row.table in quarantine.REMADE]
            return quarantine.undo_stages(self._run, taken, "A damaged part was taken out; running again makes it anew.")

    def erase(self, texts: Sequence[str], runs: Iterable[str] = ()) -> None:
        """Take out what `erase.find` finds, vouch for the rest, and close with a fresh file in which nothing of it is left."""
        with self._lock:
            with self.together():
                found = erase.find(self._run, texts, runs)
                erase.erase(self._run, texts, found)
                seals.mark_all(self._run)
                seals.add(self._run, "", "", "forget")
            erase.drop_left(self._run, found)
            self.renew_file()

    @property
    def encrypted(self) -> bool:
        """Whether the file needs a key."""
        return bool(self._key)

    def copy_to(self, to: str | Path, key: str | None = None) -> dict[str, int]:
        """A compacted, verified copy in a new file; who writes waits meanwhile. Returns the number of rows by table.

        The copy has this file's key, or another one; "" makes it plain.
        """
        with self._lock, self._ready().cursor() as connection:
            return copies.make(connection, self.path, Path(self._private.name), real_path(to), self._key if key is None else key)

    def renew_file(self, key: str | None = None, keep_mode: bool = False) -> None:
        """Put a compacted copy in this file's place, with this key or another, and close: nothing of deleted rows is left in it.

        Only this user may read it, unless the old file's mode is kept. Raises StoreError with the file as it was.
        """
        fresh = leftovers.renewed_name(self.path, secrets.token_hex(4))
        try:
            with self._lock:
                self._run("CHECKPOINT")
                self.copy_to(fresh, key)
                if keep_mode:
                    os.chmod(fresh, stat.S_IMODE(self.path.stat().st_mode))
                # The lock on the old file is still held: nobody else can have opened it.
                os.replace(fresh, self.path)
                copies.sync_folder(self.path.parent)
                self.close()
        finally:
            fresh.unlink(missing_ok=True)

    # Reading

    def get(self, kind: type[AnyRow], /, **where: Any) -> list[AnyRow]:
        """Rows whose columns equal the given values (a list or tuple value means any of them), in order of insertion."""
        table = table_of(kind)
        query, parameters = table.select(where)
        return table.decode(self._run(query, parameters))

    def one(self, kind: type[AnyRow], /, **where: Any) -> AnyRow | None:
        """The first row that matches, or None."""
        return next(iter(self.get(kind, **where)), None)

    def count(self, kind: type[Row], /, **where: Any) -> int:
        """How many rows match."""
        query, parameters = table_of(kind).select(where, what="count(*)")
        return int(self._run(query, parameters)[0][0])

    def page(self, kind: type[AnyRow], /, offset: int, limit: int, search: str = "", **where: Any) -> tuple[list[AnyRow], int]:
        """Some of the matching rows, in order of insertion, and how many match: a list of any length costs one page."""
        table = table_of(kind)
        counted, parameters = table.select(where, what="count(*)", search=search)
        total = int(self._run(counted, parameters)[0][0])
        query, parameters = table.select(where, search=search)
        return table.decode(self._run(f"{query} LIMIT ? OFFSET ?", [*parameters, limit, offset])), total

    def adapter_files(self, adapter_id: str) -> dict[str, bytes]:
        """The bytes of a kept adapter, checked against its hashes."""
        with self._lock:
            adapter = self.one(Adapter, id=adapter_id)
            if adapter is None:
                raise MissingError("There is no such adapter in the project.", f"{self.path}: adapter '{adapter_id}'")
            return adapters.read(self._run, adapter)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to one SELECT (or WITH … SELECT) over the tables. Anything that writes raises UsageError."""
        with self._lock:
            try:
                statements = self._ready().extract_statements(query)
            except ERRORS as error:
                raise UsageError("The query cannot be read.", str(error)) from error
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise UsageError("Only one SELECT at a time can be asked.", query)
            if self._depth:
                return self._run(query, list(parameters))
            with self._transaction("READ ONLY"):
                return self._run(query, list(parameters))

    # Inside

    def _insert(self, rows: Sequence[Row], *, replacing: bool) -> None:
        if any(isinstance(row, Adapter) for row in rows):
            raise TypeError("an adapter's row says that its bytes are there: use put_adapter")
        if rows:
            with self.together():
                self._statements(rows, replacing=replacing)

    def _statements(self, rows: Sequence[Row], *, replacing: bool) -> None:
        by_kind: dict[type[Row], list[Row]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        for kind, group in by_kind.items():
            table = table_of(kind)
            for parameters in self._batches(table.batches(table.once(group, keep_last=replacing))):
                self._run(table.insert(replacing=replacing), parameters)
            seals.mark(self._run, kind, group, replacing=replacing)

    def _batches(self, batches: Iterator[list[list[Any]]]) -> Iterator[list[list[Any]]]:
        try:
            yield from batches
        except UnicodeError as error:
            raise StoreError("A text holds half a character (a lone surrogate), so it was not stored.", str(error)) from error

    @contextmanager
    def _transaction(self, mode: str = "") -> Iterator[None]:
        """The outermost transaction: commits at the end, or puts everything back as it was."""
        if self.read_only and not mode:
            raise not_own(self.path)
        self._run(f"BEGIN TRANSACTION {mode}")
        self._depth, self._spoiled = 1, False
        try:
            yield
            if self._spoiled:
                raise StoreError("A part of the step failed, so nothing of it was kept.", str(self.path))
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except ERRORS:
            # Either the commit ended the transaction or the connection is lost; a fresh connection is right for both.
            self._broken = True

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The one place where a statement meets DuckDB: errors become sentences, and a lost connection is noted."""
        with self._lock:
            connection = self._ready()
            try:
                return connection.execute(statement, list(parameters)).fetchall()
            except duckdb.FatalException as error:
                # "COMMIT succeeded, but the checkpoint failed" is one of these: the rows may well be there.
                self._broken = True
                raise explained(error, self.path) from error
            except ERRORS as error:
                if self._depth:
                    self._spoiled = True
                raise explained(error, self.path) from error

    def _opened(self, create: bool) -> duckdb.DuckDBPyConnection:
        return open_file(
            self.path, read_only=self.read_only, create=create, private_folder=self._private.name, key=self._key,
            encryption=self._encryption,
        )  # fmt: skip

    def _ready(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise StoreError("The project is closed.", str(self.path))
        if self._broken:
            if self._depth:
                raise StoreError(
                    "The project file was lost in the middle of a step, so nothing of the step was kept.", str(self.path)
                )
            self._connection.close()
            self._connection = self._opened(False)
            self._broken = False
        return self._connection

    def _sweep(self) -> None:
        for adapter_id in adapters.unmarked(self._run):
            with self._transaction():
                adapters.drop(self._run, adapter_id)
