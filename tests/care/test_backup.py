"""`pada backup`: equal rows in a smaller file, whole or not at all, never over another file, also while a run goes on."""

import os
import stat
from pathlib import Path

import duckdb
import pytest

from pada_local.errors import StoreError
from pada_local.look import health
from pada_local.records import Candidate, EventRow
from pada_local.store import copies
from pada_local.store.project import Project
from pada_local.store.tables import NAMES
from tests.cli.conftest import pada
from tests.faults.crash_help import assert_nobody_left


def rows_of(path: Path) -> dict:
    with Project.open(path, read_only=True) as project:
        return {name: project.get(kind) for kind, (name, _) in NAMES.items()}


def test_a_copy_holds_the_same_and_is_smaller(path, tmp_path):
    with Project.open(path) as project:
        project.put(*(EventRow(seq=n, run_id="", at="", kind="Note", body=f"{n}" * 2000) for n in range(1, 2000)))
    with duckdb.connect(str(path)) as other:
        other.execute("DELETE FROM events")
    done = pada("backup", path, tmp_path / "copy.duckdb")
    assert done.returncode == 0 and "found equal" in done.stderr, done.stderr
    copy = tmp_path / "copy.duckdb"
    assert rows_of(copy) == rows_of(path) and copy.stat().st_size < path.stat().st_size
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["copy.duckdb", "p.duckdb"]
    with Project.open(copy) as project:
        assert health.check(project)["sound"]
        highest = project.sql("SELECT max(row_order) FROM candidates")[0][0]
        project.put(EventRow(seq=1, run_id="", at="", kind="Note", body=""))
        assert project.sql("SELECT row_order FROM events")[0][0] > highest


@pytest.mark.slow
def test_a_copy_of_long_texts_needs_little_memory(path, tmp_path):
    """DuckDB may take 1 GB and works on 2,048 rows at a time: here 200 MB of texts, each held once."""
    with Project.open(path) as project:
        project.put(*(EventRow(seq=n, run_id="", at="", kind="Note", body=f"{n} " * 20_000) for n in range(10_000, 12_048)))
        assert project.copy_to(tmp_path / "copy.duckdb")["events"] >= 2048


@pytest.mark.parametrize("name", ["p.duckdb", "taken.duckdb", "wal.duckdb"])
def test_nothing_is_overwritten(path, tmp_path, name):
    (tmp_path / "taken.duckdb").write_text("precious")
    (tmp_path / "wal.duckdb.wal").write_text("precious")
    before = sorted((entry.name, entry.read_bytes()) for entry in tmp_path.iterdir())
    done = pada("backup", path, tmp_path / name)
    assert done.returncode == 5 and "left as it is" in done.stderr
    assert sorted((entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()) == before


def test_a_host_makes_the_copy_while_it_has_the_file(path, tmp_path):
    from pada_local.session import Session

    with Session.start_host(path) as session:
        assert session.has_host
        done = pada("backup", path, tmp_path / "copy.duckdb")
        assert done.returncode == 0, done.stderr
    pada("stop", path)
    assert_nobody_left(path)  # the command does not wait until the host has closed the file
    assert len(rows_of(tmp_path / "copy.duckdb")["candidates"]) == len(rows_of(path)["candidates"]) > 0


def test_a_copy_that_reads_back_differently_is_thrown_away(path, tmp_path, monkeypatch):
    written = copies._write

    def worse(connection, draft, key):
        digests = written(connection, draft, key)
        with duckdb.connect(str(draft)) as other:
            other.execute("DELETE FROM candidates WHERE position = 0")
        return digests

    monkeypatch.setattr(copies, "_write", worse)
    with Project.open(path) as project:
        with pytest.raises(StoreError, match="thrown away") as error:
            project.copy_to(tmp_path / "copy.duckdb")
        assert "candidates" in error.value.detail and project.count(Candidate) > 0
    assert os.listdir(tmp_path) == ["p.duckdb"]


def test_a_copy_without_room_leaves_nothing(path, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.os, "fsync", full)
    with Project.open(path) as project, pytest.raises(StoreError, match="could not be written") as error:
        project.copy_to(tmp_path / "copy.duckdb")
    assert "No space left" in error.value.detail and os.listdir(tmp_path) == ["p.duckdb"]
