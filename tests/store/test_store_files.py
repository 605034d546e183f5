"""The file itself: made whole or not at all, one owner, refused with a sentence when it is not ours."""

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from store_help import candidate, run_child, samples

from pada_local import records as r
from pada_local.errors import BusyError, MissingError, StoreError
from pada_local.store import Project
from pada_local.store import project as project_module
from pada_local.store.connection import open_file

HOLD = """
from pada_local.store import Project
project = Project.open(sys.argv[1], read_only=sys.argv[2] == "ro")
print("open", flush=True)
sys.stdin.read()
project.close()
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_create_takes_examples_from_a_stream_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "ROWS_PER_BATCH", 3)

    def stream(number: int):
        for n in range(10):
            if n == number:
                raise StoreError("The stream broke off.")
            yield r.Example(id=str(n), split="train", position=n, input=f"q{n}", output="a")

    with pytest.raises(StoreError, match="broke off"):
        Project.create(path, {}, stream(8))
    assert not list(path.parent.iterdir())
    with Project.create(path, {}, stream(-1)) as project:
        assert [row.position for row in project.get(r.Example)] == list(range(10))


def test_create_keeps_settings_and_examples_in_a_private_file(path: Path) -> None:
    examples = [row for row in samples() if isinstance(row, r.Example)]
    with Project.create(path, {"metric": "f1", "system": "Be brief."}, examples) as project:
        assert {row.key: row.value for row in project.get(r.Setting)} == {"metric": "f1", "system": "Be brief."}
        assert project.get(r.Example) == examples
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("beside", ["", ".wal"])
def test_create_never_takes_the_place_of_a_file(path: Path, beside: str) -> None:
    there = Path(f"{path}{beside}")
    there.write_text("precious")
    for make in (lambda: Project.create(path, {}, []), lambda: open_file(path, create=True)):
        with pytest.raises(StoreError, match="left as it is"):
            make()
    assert there.read_text() == "precious"
    assert list(path.parent.iterdir()) == [there]


@pytest.mark.parametrize("hard_links", [True, False])
def test_create_loses_against_a_file_that_appears_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    link = os.link

    def late(draft: Path, to: Path) -> None:
        path.write_text("precious")
        if not hard_links:
            raise PermissionError("no links here")
        link(draft, to)

    monkeypatch.setattr(project_module.os, "link", late)
    with pytest.raises(StoreError, match="left as it is"):
        Project.create(path, {}, [])
    assert path.read_text() == "precious"
    assert list(path.parent.iterdir()) == [path]


def test_create_works_where_there_are_no_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(project_module.os, "link", refuse)
    Project.create(path, {"a": "b"}, []).close()
    with Project.open(path) as project:
        assert project.get(r.Setting) == [r.Setting(key="a", value="b")]


def test_create_leaves_nothing_when_it_fails(path: Path) -> None:
    with pytest.raises(StoreError):
        Project.create(path, {}, [r.Example(id="e", split="nowhere", position=0, input="", output="")])
    assert list(path.parent.iterdir()) == []
    with pytest.raises(MissingError, match="folder"):
        Project.create(path.parent / "no" / "a.duckdb", {}, [])


def test_close_leaves_one_file_and_ends_all_use(project: Project) -> None:
    project.put(candidate(1))
    assert Path(f"{project.path}.wal").exists()
    project.close()
    project.close()
    assert list(project.path.parent.iterdir()) == [project.path]
    with pytest.raises(StoreError, match="closed"):
        project.count(r.Candidate)


def test_read_only_reads_and_changes_nothing(project: Project) -> None:
    project.put(candidate(1))
    project.close()
    before = digest(project.path)
    with Project.open(project.path, read_only=True) as reader:
        assert reader.get(r.Candidate) == [candidate(1)]
        assert reader.sql("SELECT count(*) FROM candidates") == [(1,)]
        with pytest.raises(StoreError):
            reader.put(candidate(2))
        assert reader.count(r.Candidate) == 1
    assert digest(project.path) == before
    assert list(project.path.parent.iterdir()) == [project.path]


@pytest.mark.parametrize(("held", "wanted"), [("rw", False), ("rw", True), ("ro", False)])
def test_a_second_process_hears_who_has_the_file(project: Project, held: str, wanted: bool) -> None:
    project.close()
    with run_child(HOLD, project.path, held) as child:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(BusyError) as error:
            Project.open(project.path, read_only=wanted)
        assert f"process {child.pid}" in error.value.detail
        child.communicate(timeout=60)
    Project.open(project.path).close()


def test_opening_twice_in_one_process_is_refused_and_keeps_the_lock(project: Project) -> None:
    link = project.path.with_name("link.duckdb")
    link.symlink_to(project.path)
    for name in (project.path, link):
        with pytest.raises(BusyError) as error:
            Project.open(name)
        assert f"process {os.getpid()}" in error.value.detail
    with run_child(HOLD, project.path, "rw") as child:
        assert "BusyError" in child.communicate(timeout=60)[1]


def test_a_missing_file_is_not_made(path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(MissingError, match="does not exist"):
            Project.open(path, read_only)
    assert not path.exists()


def test_foreign_files_are_refused_unchanged(path: Path) -> None:
    foreign = [b"", b"hello", b"SQLite format 3\0" + b"\0" * 5000, b"\0" * 8 + b"DUCK" + b"\xff" * 20_000]
    for content in foreign:
        path.write_bytes(content)
        with pytest.raises(StoreError) as error:
            Project.open(path)
        assert str(path) in error.value.detail
        assert path.read_bytes() == content
    with pytest.raises(StoreError):
        Project.open(path.parent)
    path.unlink()
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE cats (name VARCHAR)")
    before = digest(path)
    with pytest.raises(StoreError, match="not a project"):
        Project.open(path)
    assert digest(path) == before


def test_a_damaged_file_is_refused_or_reads_the_same(project: Project) -> None:
    rows = [candidate(number) for number in range(500)]
    project.put(*rows)
    project.close()
    good = project.path.read_bytes()
    refused = 0
    for offset in range(100, len(good), len(good) // 12):
        project.path.write_bytes(good[:offset] + bytes([good[offset] ^ 0x10]) + good[offset + 1 :])
        try:
            with Project.open(project.path, read_only=True) as reader:
                assert reader.get(r.Candidate) == rows
        except StoreError as error:
            refused += 1
            assert str(project.path) in error.detail
    assert refused > 0
    project.path.write_bytes(good[: len(good) // 2])
    with pytest.raises(StoreError), Project.open(project.path) as reader:
        reader.get(r.Candidate)


def test_a_newer_file_is_refused_unchanged(project: Project) -> None:
    project.close()
    with duckdb.connect(str(project.path)) as other:
        other.execute("INSERT INTO migrations VALUES (99, '0099_future', 'later')")
    before = digest(project.path)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer version") as error:
            Project.open(project.path, read_only)
        assert "99" in error.value.detail
    assert digest(project.path) == before


def test_a_view_in_the_place_of_a_table_is_refused(project: Project) -> None:
    project.close()
    with duckdb.connect(str(project.path)) as other:
        other.execute("DROP TABLE recipes; CREATE VIEW recipes AS SELECT content AS body FROM read_text('/etc/hostname')")
    with pytest.raises(StoreError, match="not those that this program makes"):
        Project.open(project.path)


def test_only_the_store_loads_with_the_store() -> None:
    code = "import sys, pada_local.store; print([n for n in ('torch', 'pandas', 'numpy', 'textual') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "[]\n"


def test_reading_and_writing_loads_no_pandas(tmp_path):
    """DuckDB would import it with the first parameter: a third of a second and 85 MB of the host."""
    code = (
        "import sys; from pathlib import Path; from pada_local.records import Setting; from pada_local.store import Project\n"
        "with Project.create(Path(sys.argv[1]), {'task': 'x'}, []) as project:\n"
        "    project.put(Setting(key='a', value='b')); print(len(project.get(Setting, key=['a', 'task'])))\n"
        "print([name for name in ('pandas', 'numpy', 'pyarrow') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "p.duckdb")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["2", "[]"]
