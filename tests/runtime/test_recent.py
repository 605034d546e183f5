"""The list of project files that were used last."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pada_local.look.last import last_result
from pada_local.records import RecipeRow, Round
from pada_local.records import TestLook as LookAtTest
from pada_local.runtime import places, recent
from pada_local.session import Session, create_project
from tests.cli.conftest import ROOT
from tests.export.conftest import filled, run  # noqa: F401 (a fixture)


def names() -> list[str]:
    return [one.name for one in recent.entries()]


def test_making_and_opening_a_project_puts_it_on_top(tmp_path):
    for name in ("a", "b"):
        create_project(tmp_path / f"{name}.duckdb", {}, [])
    assert names() == ["b", "a"]
    with Session.open(tmp_path / "a.duckdb", remember=False):
        assert names() == ["b", "a"]
    with Session.open(tmp_path / "a.duckdb"):
        assert names() == ["a", "b"]
    entry = recent.entries()[0]
    assert entry.path == str(tmp_path / "a.duckdb") and entry.used.startswith("20")
    recent.forget(entry.path)
    assert names() == ["b"] and (tmp_path / "a.duckdb").exists()


def test_only_the_user_can_read_it_and_it_holds_no_data(tmp_path):
    recent.remember(tmp_path / "x.duckdb")
    for name in (recent.FILE, recent.LOCK):
        assert stat.S_IMODE((places.user_folder() / name).stat().st_mode) == 0o600
    [row] = json.loads((places.user_folder() / recent.FILE).read_text())
    assert set(row) == {"path", "name", "used"}


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1}', b'[{"path": 1}]', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_list_counts_as_empty_and_is_written_anew(tmp_path, body):
    (places.user_folder() / recent.FILE).write_bytes(body)
    assert recent.entries() == []
    recent.remember(tmp_path / "x.duckdb")
    assert names() == ["x"]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    create_project(tmp_path / "p.duckdb", {}, [])
    assert recent.entries() == [] and (tmp_path / "p.duckdb").exists()


def test_names_that_are_no_text_are_left_out(tmp_path):
    recent.remember(tmp_path / "good.duckdb")
    recent.remember(Path(os.fsdecode(bytes(tmp_path) + b"/\xff.duckdb")))
    assert names() == ["good"]


def test_the_list_stays_short(tmp_path):
    for number in range(recent.MOST + 5):
        recent.remember(tmp_path / f"{number}.duckdb")
    assert len(names()) == recent.MOST and names()[0] == str(recent.MOST + 4)


def test_two_writers_lose_nothing(tmp_path):
    code = "import sys; from pathlib import Path; from pada_local.runtime import recent\n" \
           "for n in range(10): recent.remember(Path(sys.argv[1]) / f'{sys.argv[2]}{n}.duckdb')"  # fmt: skip
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        for name in ("a", "b", "c")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert sorted(names()) == sorted(f"{name}{n}" for name in "abc" for n in range(10))


def test_the_last_result_is_the_newest_run_s(filled):  # noqa: F811
    filled.put(RecipeRow(id="vanilla", name="vanilla", body='{"loop": {"augment": "none"}}'))
    found = last_result(filled)
    assert found["recipe"] == "pada" and found["state"] == "paused" and found["rounds"] == 0 and found["best"] is None
    filled.put(run("ddd4", "pada", champion=2, rounds=2), LookAtTest(run_id="ddd4", adapter_id="third", at=""))
    filled.put(*(Round(run_id="ddd4", number=n, state="done", adapter_id=a) for n, a in ((1, "second"), (2, "third"))))
    found = last_result(filled)
    assert (found["split"], found["best"]["mean"], found["best"]["n"], found["rounds"]) == ("test", 0.75, 40, 2)
    assert found["vanilla"] == pytest.approx(19 / 39, abs=1e-6) and found["best"]["low"] < 0.75 < found["best"]["high"]
    filled.put(run("eee5", "pada", "stopped", champion=2, rounds=2))
    filled.put(*(Round(run_id="eee5", number=n, state="done", adapter_id=a) for n, a in ((1, "second"), (2, "third"))))
    found = last_result(filled)
    assert (found["split"], found["vanilla"], found["best"]["mean"]) == ("validation", 0.5, 0.8)
