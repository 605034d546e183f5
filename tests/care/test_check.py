"""`pada check`: a sound file is called sound, every planted damage is found and named, and a repair loses nothing."""

import json

import duckdb
import pytest

from pada_local.look import health
from pada_local.records import Adapter, Candidate, Manifest, Prediction, Quarantined, Run, Stage
from pada_local.store.project import Project
from tests.care.conftest import run
from tests.cli.conftest import pada

FIRST = "WHERE row_order = (SELECT min(row_order) FROM"
DAMAGE = {
    "a prediction was rewritten": (f"UPDATE predictions SET \"text\" = 'out4' {FIRST} predictions)", "was changed"),
    "a score was raised": ("UPDATE scores SET value = 1.0 WHERE value = 0.0", "was changed by another program"),
    "a rejected sample was accepted": ("UPDATE candidates SET state = 'rejected' WHERE state = 'accepted'", "changed by another"),
    "a sample was removed": ("DELETE FROM candidates WHERE position = 0 AND round = 1 AND wave = 1", "is missing"),
    "a sample was slipped in": ("INSERT INTO candidates BY NAME SELECT * REPLACE ('x' AS id, nextval('row_order') AS row_order)"
                                " FROM candidates WHERE position = 0 LIMIT 1", "counted"),
    "an example was changed": ("UPDATE examples SET output = 'wrong' WHERE position = 3 AND split = 'test'", "was changed"),
    "a reference leads nowhere": (f"UPDATE analyses SET prediction_id = 'gone' {FIRST} analyses)", "was changed after"),
    "a strategy is gone": ("DELETE FROM strategies", "refers to strategies"),
    "a recipe was changed": ("UPDATE recipes SET body = replace(body, '\"budget\":24', '\"budget\":25')", "not fit its hash"),
    "a link of the manifest is gone": ("DELETE FROM manifest WHERE seq = 3", "manifest is broken at link 3"),
    "a link of the manifest was changed": ("UPDATE manifest SET name = 'train' WHERE seq = 5", "manifest is broken at link 5"),
    "the last links are gone": ("DELETE FROM manifest WHERE seq > 4", "the manifest does not know of it"),
    "a stage is called done": ("UPDATE stages SET counts = '{}' WHERE name = 'group'", "was changed by another program"),
    "a training step is gone": ("DELETE FROM training_steps WHERE step = 2", "training steps are not all there"),
    "an adapter's bytes were changed": ("", "is not what was trained"),
}  # fmt: skip


def adapter_table(connection) -> str:
    [name, *_] = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
                  if row[0].startswith("adapter_")]  # fmt: skip
    return name


def damage(path, statement: str) -> None:
    """What another program does to the file."""
    with duckdb.connect(str(path)) as other:
        if not statement:
            statement = f"UPDATE \"{adapter_table(other)}\" SET data = 'bad'::BLOB"
        assert other.execute(statement).fetchone()[0] > 0


def test_a_sound_file_is_sound(path):
    done = pada("check", path)
    assert done.returncode == 0 and "all sound" in done.stdout, done.stdout
    facts = json.loads(pada("check", path, "--json").stdout)
    assert facts["found"] == [] and facts["looked"]["adapters"] == 2 and facts["looked"]["links"] > 10


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_repaired(path, name):
    statement, said = DAMAGE[name]
    damage(path, statement)
    with Project.open(path, read_only=True) as project:
        found = health.check(project)
    assert not found["sound"] and any(said in one["what"] for one in found["found"]), found
    with Project.open(path) as project:
        before = {kind: project.count(kind) for kind in (Candidate, Prediction, Adapter, Run, Stage)}
        done = health.repair(project)
        assert done["left"] == [], done
        kept = project.get(Quarantined)
        assert len(kept) >= done["quarantined"] and all(row.reason and json.loads(row.body) for row in kept)
        for kind, table in ((Candidate, "candidates"), (Prediction, "predictions"), (Adapter, "adapters"), (Stage, "stages")):
            assert project.count(kind) + sum(row.table == table for row in kept) == before[kind], kind


def test_a_damaged_adapter_is_trained_again_and_its_bytes_are_kept(path, tmp_path):
    with Project.open(path) as project:
        good = {row.id: project.adapter_files(row.id) for row in project.get(Adapter)}
        predictions = project.count(Prediction)
    damage(path, "")
    done = pada("check", path, "--repair")
    assert done.returncode == 0 and "pada run" in done.stdout, done.stdout + done.stderr
    with Project.open(path) as project:
        [run_row] = project.get(Run)
        assert run_row.state == "paused" and project.count(Adapter) == 1
        kept = next(row for row in project.get(Quarantined) if row.table == "adapters")
        assert project.sql(f'SELECT data FROM "quarantined_{kept.id}"') == [(b"bad",)]
        assert run(project, tmp_path / "private") == "done"
        assert {row.id: project.adapter_files(row.id) for row in project.get(Adapter)} == good
        assert project.count(Prediction) == predictions and health.check(project)["sound"]


def test_a_host_answers_and_keeps_its_file(path):
    from pada_local.session import Session

    with Session.start_host(path) as session:
        assert session.ask("check")["sound"]
        refused = pada("check", path, "--repair")
        assert refused.returncode == 5 and "pada stop" in refused.stderr
    pada("stop", path)


def test_rows_of_an_older_program_are_vouched_for_when_it_is_opened(path):
    with duckdb.connect(str(path)) as other:
        other.execute("DELETE FROM manifest; DELETE FROM marks")
    with Project.open(path) as project:
        assert [link.name for link in project.get(Manifest)] == ["renewed"] and health.check(project)["sound"]
    damage(path, DAMAGE["an example was changed"][0])
    assert pada("check", path).returncode == 5
