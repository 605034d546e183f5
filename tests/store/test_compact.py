"""A file that is mostly free blocks is compacted when its host leaves: the same rows, whole at any kill, encrypted if it was."""

import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest
from store_help import run_child

from pada_local.errors import StoreError
from pada_local.records import EventRow
from pada_local.runtime import keys
from pada_local.store import Project, copies, project
from pada_local.store.leftovers import _prefix

KEY = keys.from_passphrase("five plain words for tests")
KILLED = """
import os, signal
from pada_local.store import Project
left, inside = int(sys.argv[2]), [False]
def dying(call):
    def called(*words, **more):
        global left
        if inside[0]:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return call(*words, **more)
    return called
opened = Project.open(sys.argv[1])
for name in ("rename", "link", "replace", "fsync", "unlink", "chmod"):
    setattr(os, name, dying(getattr(os, name)))
inside[0] = True
opened.close_compact()
print("through", flush=True)
"""


def event(number: int) -> EventRow:
    return EventRow(seq=number, run_id="", at="", kind="Note", body=os.urandom(20_000).hex())


@pytest.fixture(params=["", KEY], ids=["plain", "encrypted"])
def key(request) -> str:
    return request.param


@pytest.fixture
def wasteful(tmp_path, key) -> Path:
    """A file whose first half was deleted."""
    path = tmp_path / "p.duckdb"
    with Project.create(path, {"task": "x"}, [], key) as one:
        for number in range(0, 300, 100):
            one.put(*map(event, range(number + 1, number + 101)))
            one._run("CHECKPOINT")
        one._run("DELETE FROM events WHERE seq <= 200")
        assert one.free_share() > 2 * project.FREE_AT_MOST
    path.chmod(0o640)
    return path


def rows(path: Path, key: str = "") -> list:
    with Project.open(path, key=key, read_only=True) as one:
        return one.get(EventRow)


def leftovers(path: Path) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{_prefix(path)}*"))


def test_closing_makes_it_small_and_keeps_rows_mode_and_key(wasteful, key):
    before, size = rows(wasteful, key), wasteful.stat().st_size
    one = Project.open(wasteful, key=key)
    one.close_compact()
    one.close_compact()  # closing twice is harmless
    assert wasteful.stat().st_size < size / 2 and rows(wasteful, key) == before and len(before) == 100
    assert keys.file_is_encrypted(wasteful) == bool(key) and stat.S_IMODE(wasteful.stat().st_mode) == 0o640
    assert os.listdir(wasteful.parent) == [wasteful.name] and leftovers(wasteful) == []
    with Project.open(wasteful, key=key) as again:
        assert again.free_share() < project.FREE_AT_MOST
        again.put(event(1000))
    assert len(rows(wasteful, key)) == 101


@pytest.mark.parametrize("key", [""], indirect=True)
def test_a_kill_at_any_point_leaves_every_row_and_nothing_else(wasteful):
    before, original, kills = rows(wasteful), wasteful.read_bytes(), 0
    for at in range(1, 30):
        wasteful.write_bytes(original)
        child = run_child(KILLED, wasteful, at)
        said, wrong = child.communicate(timeout=120)
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL, wrong
        kills += 1
        with Project.open(wasteful) as one:
            assert one.get(EventRow) == before
        assert os.listdir(wasteful.parent) == [wasteful.name] and leftovers(wasteful) == [], at
    assert kills >= 6 and "through" in said


@pytest.mark.parametrize("trouble", ["no room", "differs", "second name", "large"])
def test_what_cannot_be_compacted_is_closed_as_it_is(wasteful, key, trouble, monkeypatch, tmp_path_factory):
    def full(*_):
        raise OSError(28, "No space left on device")

    before, size = rows(wasteful, key), wasteful.stat().st_size
    if trouble == "no room":
        monkeypatch.setattr(copies.os, "fsync", full)
    elif trouble == "differs":
        monkeypatch.setattr(copies, "_read_back", lambda *_: {})
    elif trouble == "second name":
        os.link(wasteful, tmp_path_factory.mktemp("other") / "same.duckdb")
    else:
        monkeypatch.setattr(project, "COMPACTED_AT_MOST", size // 10)
    Project.open(wasteful, key=key).close_compact()
    monkeypatch.undo()
    assert wasteful.stat().st_size == size and rows(wasteful, key) == before
    assert os.listdir(wasteful.parent) == [wasteful.name] and leftovers(wasteful) == []


@pytest.mark.parametrize("key", [""], indirect=True)
def test_a_reader_of_the_file_neither_compacts_nor_sweeps(wasteful):
    size, folder = wasteful.stat().st_size, Path(tempfile.mkdtemp(prefix=f"{_prefix(wasteful)}owner-"))
    Project.open(wasteful, read_only=True).close_compact()
    assert wasteful.stat().st_size == size and folder.exists()
    Project.open(wasteful).close()
    assert not folder.exists()


@pytest.mark.parametrize("key", [""], indirect=True)
def test_a_host_leaves_a_small_file(wasteful):
    from pada_local.session import Session
    from tests.faults.crash_help import assert_nobody_left

    before, size = rows(wasteful), wasteful.stat().st_size
    with Session.start_host(wasteful) as session:
        assert session.has_host
        with pytest.raises(StoreError):
            Project.open(wasteful)
    assert_nobody_left(wasteful)
    assert wasteful.stat().st_size < size / 2 and rows(wasteful) == before
