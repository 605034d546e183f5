"""Project files from somebody else: nothing of theirs runs, and nothing in them is changed."""

import os
from pathlib import Path

import duckdb
import pytest

from pada_local.errors import StoreError, UsageError
from pada_local.metrics import registry
from pada_local.records import Setting
from pada_local.store import Project
from pada_local.store.attach import attached
from tests.cli.conftest import pada

TRICKS = {
    "view": "DROP TABLE recipes; CREATE VIEW recipes AS SELECT content AS body FROM read_text('/etc/hostname')",
    "another view": "CREATE VIEW secrets AS SELECT 1",
    "macro": "CREATE MACRO lower(x) AS 'shadowed'",
    "table macro": "CREATE MACRO things() AS TABLE SELECT 1",
    "computed column": "ALTER TABLE recipes RENAME TO old; CREATE TABLE recipes (id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL,"
    " body VARCHAR AS (concat(name, version())), row_order BIGINT NOT NULL); DROP TABLE old",
    "default": "ALTER TABLE settings ALTER COLUMN value SET DEFAULT version()",
    "index": "CREATE INDEX i ON examples (input)",
    "type": "CREATE TYPE mood AS ENUM ('a')",
    "schema": "CREATE SCHEMA other; CREATE TABLE other.t (i INT)",
    "one table more": "CREATE TABLE extra (i INT)",
    "false adapter": 'CREATE TABLE adapter_x ("name" VARCHAR PRIMARY KEY, "data" BLOB NOT NULL, more INT)',
    "one table less": "DROP TABLE verdicts",
    "type of a column": "ALTER TABLE runs ALTER COLUMN seed TYPE VARCHAR",
    "sequence": "CREATE SEQUENCE more",
    "table of versions": "DROP TABLE migrations; CREATE TABLE migrations (version INTEGER, name VARCHAR, applied_at VARCHAR)",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_the_migrations_did_not_make_is_refused_unchanged(project: Project, trick: str) -> None:
    project.close()
    with duckdb.connect(str(project.path)) as other:
        other.execute(TRICKS[trick])
    before = project.path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError) as error:
            Project.open(project.path, read_only)
        assert "not those that this program makes" in error.value.title or "not a project file" in error.value.title
    assert project.path.read_bytes() == before


def test_files_network_and_settings_are_closed_before_the_file_is_opened(project: Project, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    project.close()
    connection = attached(project.path, read_only=False, private_folder=None)
    for statement in (
        f"SELECT * FROM read_text('{tmp_path}/secret.txt')", f"COPY settings TO '{tmp_path}/out.csv'", "INSTALL sqlite",
        f"ATTACH '{tmp_path}/other.duckdb'", "SET enable_external_access = true", "SELECT * FROM 'http://127.0.0.1/x.csv'",
        f"EXPORT DATABASE '{tmp_path}/all'", "SET temp_directory = '/tmp'",
    ):  # fmt: skip
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    connection.close()
    assert sorted(os.listdir(tmp_path)) == sorted([project.path.name, "secret.txt"])


def test_a_file_of_another_user_is_only_read(project: Project, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    project.close()
    path = project.path.rename(tmp_path / "theirs.duckdb")
    os.chown(path, 12345, 12345)
    before = path.read_bytes()
    with Project.open(path) as theirs:
        assert theirs.read_only and theirs.one(Setting, key="metric")
        with pytest.raises(StoreError, match="somebody else") as error:
            theirs.put(Setting(key="a", value="b"))
        assert "pada backup" in error.value.fix
    assert pada("status", path).returncode == 0
    refused = pada("run", path, "--recipe", "vanilla")
    assert refused.returncode == 5 and "somebody else" in refused.stderr and "Traceback" not in refused.stderr
    copied = pada("backup", path, tmp_path / "mine.duckdb")
    assert copied.returncode == 0, copied.stderr
    assert path.read_bytes() == before
    with Project.open(tmp_path / "mine.duckdb") as mine:
        mine.put(Setting(key="a", value="b"))


def test_a_metric_that_others_could_have_written_is_not_run(tmp_path: Path) -> None:
    ran, file = tmp_path / "ran", tmp_path / "m.py"
    file.write_text(f"open({str(ran)!r}, 'w')\ndef f(answer, reference): return 1.0\n")
    file.chmod(0o666)
    with pytest.raises(UsageError, match="could be written by others"):
        registry.find(f"python:{file}:f")
    assert not ran.exists()
    file.chmod(0o644)
    assert registry.find(f"python:{file}:f").name.startswith("python:") and ran.exists()
