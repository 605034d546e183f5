"""Killed, out of room or changed under our hands: what was acknowledged is there, and nothing is there by half."""

import hashlib
import signal

import pytest
from store_help import candidate, run_child

from pada_local import records as r
from pada_local.errors import MissingError, StoreError, UsageError
from pada_local.store import Project, adapters

COMMIT_FOREVER = """
from pada_local.records import EventRow
from pada_local.store import Project
project = Project.open(sys.argv[1])
number = project.count(EventRow)
while True:
    with project.together():
        project.put(*(EventRow(seq=number + n, run_id="r", at="", kind="Note", body="x" * 20000) for n in range(5)))
    number += 5
    print(number, flush=True)
"""
BLOCK_BEFORE_COMMIT = """
import hashlib
from pada_local.records import Adapter
from pada_local.store import Project, adapters
project = Project.open(sys.argv[1])
write = adapters.write
def slow(*arguments):
    write(*arguments)
    print("written", flush=True)
    sys.stdin.read()
adapters.write = slow
data = b"w" * 3_000_000
sha256 = {"w": hashlib.sha256(data).hexdigest()}
row = Adapter(id="torn", base="b", sha256=sha256, bytes=len(data), settings={}, train_tokens=1, train_seconds=1.0, steps=1)
project.put_adapter(row, {"w": data})
"""
FILL_THE_DISK = """
import resource, signal
from pada_local.errors import StoreError
from pada_local.records import EventRow
from pada_local.store import Project
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
project = Project.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
number = 0
try:
    while number < 500:
        body = hashlib.sha256(str(number).encode()).hexdigest() * 3000
        project.put(EventRow(seq=number, run_id="r", at="", kind="Note", body=body))
        number += 1
except StoreError as error:
    print("refused", number, flush=True)
    print(str(error).replace(chr(10), " | "), file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
found = project.count(EventRow)
assert found in (number, number + 1), (found, number)
project.put(*(EventRow(seq=n, run_id="r", at="", kind="Note", body="late") for n in range(number + 2)))
assert project.count(EventRow) == number + 2
project.close()
print("closed", flush=True)
"""


def an_adapter(name: str, files: dict[str, bytes]) -> r.Adapter:
    sha256 = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
    size = sum(len(data) for data in files.values())
    return r.Adapter(
        id=name,
        base="b",
        sha256=sha256,
        bytes=size,
        settings={"r": 16, "x": [None, "é"]},
        train_tokens=9,
        train_seconds=0.5,
        steps=3,
    )


FILES = {"adapter_model.safetensors": bytes(range(256)) * 4000, "adapter_config.json": b"{}", "empty": b""}


def tables(project: Project) -> list[str]:
    return [name for (name,) in project.sql("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'adapter_')")]


def test_every_acknowledged_row_survives_three_kills(project: Project) -> None:
    project.close()
    for acknowledged_first in (3, 11, 40):
        with run_child(COMMIT_FOREVER, project.path) as child:
            lines = [child.stdout.readline() for _ in range(acknowledged_first)]
            child.send_signal(signal.SIGKILL)
            lines += [line for line in child.communicate()[0].splitlines() if line.strip()]
        last = int(lines[-1])
        with Project.open(project.path) as again:
            found = [row.seq for row in again.get(r.EventRow)]
        # One commit more than was heard of may have made it; never a part of one.
        assert found in (list(range(last)), list(range(last + 5)))


def test_adapters_come_back_byte_for_byte(project: Project) -> None:
    first, second = an_adapter("a1", FILES), an_adapter("a2", {"w": b"\0\xff" * 9})
    project.put_adapter(first, FILES)
    project.put_adapter(second, {"w": b"\0\xff" * 9})
    project.put_adapter(first, FILES)
    project.close()
    with Project.open(project.path) as again:
        assert again.get(r.Adapter) == [first, second]
        assert again.adapter_files("a1") == FILES
        assert sorted(tables(again)) == ["adapter_a1", "adapter_a2"]
        with pytest.raises(MissingError, match="no such adapter"):
            again.adapter_files("a3")


def test_adapters_that_are_not_whole_are_refused(project: Project) -> None:
    row = an_adapter("a1", FILES)
    for files in ({}, {**FILES, "more": b""}, {**FILES, "empty": b"!"}):
        with pytest.raises(StoreError, match="not what was trained"):
            project.put_adapter(row, files)
    for name in ("", 'x"; DROP TABLE runs; --', "A1", "../x"):
        with pytest.raises(StoreError, match="cannot be the id"):
            project.put_adapter(an_adapter(name, FILES), FILES)
    with pytest.raises(UsageError), project.together():
        project.put_adapter(row, FILES)
    for write in (project.put, project.replace):
        with pytest.raises(TypeError):
            write(row)
    assert tables(project) == [] and project.count(r.Adapter) == 0


def test_a_changed_adapter_is_not_handed_out(project: Project) -> None:
    project.put_adapter(an_adapter("a1", FILES), FILES)
    project._run("UPDATE adapter_a1 SET data = 'x'::BLOB WHERE name = 'empty'")
    with pytest.raises(StoreError, match="not what was trained") as error:
        project.adapter_files("a1")
    assert "empty" in error.value.detail


def test_a_failed_adapter_can_be_written_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(adapters, "write", fail)
        with pytest.raises(KeyboardInterrupt):
            project.put_adapter(an_adapter("a1", FILES), FILES)
    assert project.count(r.Adapter) == 0
    project.put_adapter(an_adapter("a1", FILES), FILES)
    assert project.adapter_files("a1") == FILES


def test_a_torn_adapter_is_swept_when_the_file_is_opened(project: Project) -> None:
    project.put_adapter(an_adapter("kept", FILES), FILES)
    project.close()
    with run_child(BLOCK_BEFORE_COMMIT, project.path) as child:
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with Project.open(project.path, read_only=True) as reader:
        assert reader.count(r.Adapter) == 1 and sorted(tables(reader)) == ["adapter_kept", "adapter_torn"]
    with Project.open(project.path) as again:
        assert tables(again) == ["adapter_kept"]
        assert again.adapter_files("kept") == FILES


@pytest.mark.parametrize("limit", [20_000_000, 1_000_000])
def test_a_full_disk_is_a_sentence_and_the_project_goes_on_after_it(project: Project, limit: int) -> None:
    project.close()
    with run_child(FILL_THE_DISK, project.path, str(limit)) as child:
        out, talk = child.communicate(timeout=120)
    assert out.startswith("refused ") and out.endswith("closed\n"), talk
    assert "The project file" in talk
    with Project.open(project.path) as again:
        assert again.count(r.EventRow) > 0


def test_a_commit_that_was_durable_but_failed_is_found_after_reopening(project: Project) -> None:
    import duckdb

    class Failing:
        """The real connection, but COMMIT succeeds and then raises, as after a checkpoint without room."""

        def __init__(self, real: duckdb.DuckDBPyConnection) -> None:
            self.real = real

        def execute(self, statement: str, parameters: object = None) -> duckdb.DuckDBPyConnection:
            answer = self.real.execute(statement, parameters)
            if statement == "COMMIT":
                raise duckdb.FatalException("COMMIT succeeded and is durable, but the autocheckpoint failed")
            return answer

        def close(self) -> None:
            self.real.close()

    project._connection = Failing(project._connection)
    with pytest.raises(StoreError, match="may or may not be kept"):
        project.put(candidate(1))
    assert project.get(r.Candidate) == [candidate(1)]
    project.put(candidate(1), candidate(2))
    assert project.count(r.Candidate) == 2


def test_nothing_is_written_outside_when_the_file_is_lost_inside_a_step(project: Project) -> None:
    with pytest.raises(StoreError), project.together():
        project.put(candidate(1))
        project._broken = True
        with pytest.raises(StoreError, match="middle of a step"):
            project.put(candidate(2))
    assert project.count(r.Candidate) == 0
