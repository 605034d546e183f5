"""Files of every earlier version open: copied first, brought up to date, with the same report and nothing lost."""

import json
import os
import re
from pathlib import Path

import duckdb
import pytest

from pada_local.errors import StoreError
from pada_local.look import health
from pada_local.runtime import keys
from pada_local.store.project import Project
from pada_local.store.steps import migration_steps
from tests.cli.conftest import pada

NEWEST, FIRST = migration_steps()[-1][0], migration_steps()[0][-1]
MADE_BY = {2: ("manifest", "marks", "quarantine"), 3: ()}
"""Tables that a step added."""
MADE_ANEW = {3: ("runs",)}
"""Tables that a step put in the place of those of the first schema."""
KEY = keys.from_passphrase("five plain words for tests")


def report(path: Path, *words) -> dict:
    done = pada("report", path, "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def make_older(path: Path, version: int) -> None:
    """Take the file back to an earlier version, as a program of that time would have left it."""
    with duckdb.connect(str(path)) as connection:
        for number in range(NEWEST, version, -1):
            for table in MADE_BY[number]:
                connection.execute(f"DROP TABLE {table}")
            for table in MADE_ANEW.get(number, ()):
                connection.execute(re.search(rf"CREATE TABLE {table} \(.*?\n\);", FIRST, re.S)[0].replace(table, "older", 1))
                connection.execute(f"INSERT INTO older SELECT * FROM {table}")
                connection.execute(f"DROP TABLE {table}")
                connection.execute(f"ALTER TABLE older RENAME TO {table}")
            connection.execute("DELETE FROM migrations WHERE version = ?", [number])


def digest(path: Path) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f'SELECT bit_xor(hash(t)) FROM "{name}" t').fetchone()[0] for name in names}


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_an_older_file_is_copied_then_brought_up_to_date(path, version):
    before = report(path)
    make_older(path, version)
    held = digest(path)
    with pytest.raises(StoreError, match="needs an update"):
        Project.open(path, read_only=True)
    assert digest(path) == held
    assert report(path) == before
    copy = path.with_name(f"p.version-{version}.duckdb")
    assert sorted(os.listdir(path.parent)) == ["p.duckdb", copy.name] and digest(copy) == held
    with Project.open(path) as project:
        assert project.sql("SELECT max(version) FROM migrations") == [(NEWEST,)]
        assert health.check(project)["found"] == []
    assert report(copy) == before


def test_the_copy_of_an_encrypted_file_is_encrypted(path, tmp_path):
    make_older(path, 1)
    with duckdb.connect() as connection:
        from pada_local.store.attach import allow_encryption

        allow_encryption(connection)
        locked = tmp_path / "locked.duckdb"
        connection.execute(f"ATTACH '{path}' AS a (READ_ONLY)")
        connection.execute(f"ATTACH '{locked}' AS b (ENCRYPTION_KEY '{KEY}')")
        connection.execute("COPY FROM DATABASE a TO b")
    Project.open(locked, key=KEY).close()
    assert keys.file_is_encrypted(tmp_path / "locked.version-1.duckdb")


def test_nothing_is_changed_when_there_is_no_room_for_the_copy(path, monkeypatch):
    from pada_local.store import copies

    make_older(path, 1)
    held = digest(path)
    monkeypatch.setattr(copies.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="could not be written"):
        Project.open(path)
    monkeypatch.undo()
    assert digest(path) == held and os.listdir(path.parent) == [path.name]
