"""Encrypted project files: nothing readable in them, a wrong key is a sentence, and no way leads to a plain file by itself."""

import importlib.util
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pada_local.errors import LockedError, MissingError, StoreError
from pada_local.records import Example, Setting
from pada_local.runtime import keys
from pada_local.session import Session
from pada_local.store.project import Project
from tests.care.conftest import KEY, MARKER, OTHER, example
from tests.care.test_backup import rows_of
from tests.cli.conftest import pada


def readable(folder: Path) -> list[str]:
    """Files in which the marker can be read."""
    return [str(file) for file in folder.rglob("*") if file.is_file() and MARKER in file.read_bytes()]


def test_nothing_can_be_read_from_the_file_its_log_or_its_spill(locked, tmp_path):
    assert readable(tmp_path) == []
    with Project.open(locked, key=KEY) as project:
        project.put(*map(example, range(1000, 3000)))
        assert locked.with_name("p.duckdb.wal").exists()
        assert readable(tmp_path) == []
        spill = Path(project._private.name)
        shutil.copytree(tmp_path, copy := tmp_path.parent / "killed")  # what a kill would leave
        connection = project._connection.cursor()
        connection.execute("USE project")
        connection.execute(
            "CREATE TEMP TABLE wide AS SELECT i.input || repeat(n::VARCHAR, 40) AS t FROM examples i, range(3000) g(n)"
        )
        assert any(spill.iterdir()), "the table was to spill"
        assert readable(spill) == []
    with Project.open(copy / "p.duckdb", key=KEY) as project:
        assert project.count(Example) == 2500


@pytest.mark.parametrize("key", ["", OTHER])
def test_without_the_key_it_is_a_sentence_and_the_file_is_untouched(locked, key):
    before = locked.read_bytes()
    with pytest.raises(LockedError) as error:
        Project.open(locked, key=key)
    assert ("does not fit" if key else "no key for it") in error.value.title
    assert locked.read_bytes() == before and os.listdir(locked.parent) == [locked.name]


def test_a_key_for_a_plain_file_is_refused(path):
    with pytest.raises(StoreError, match="not encrypted"):
        Project.open(path, key=KEY)


def test_without_the_package_nothing_is_made(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "httpfs" in name else found(name))
    with pytest.raises(MissingError, match="not installed"):
        Project.create(tmp_path / "p.duckdb", {}, [], KEY)
    assert os.listdir(tmp_path) == []


def test_a_copy_of_an_encrypted_file_is_encrypted(locked, key_file, tmp_path):
    done = pada("backup", locked, tmp_path / "copy.duckdb", "--key-file", key_file)
    assert done.returncode == 0, done.stderr
    assert readable(tmp_path) == []
    with Project.open(tmp_path / "copy.duckdb", key=KEY) as project:
        assert project.count(Example) == 500


def test_encrypt_rekey_decrypt_keep_every_row(path, tmp_path):
    before, files = rows_of(path), [tmp_path / "first.key", tmp_path / "second.key"]
    said = [
        pada("encrypt", path, "--key-file", files[0]),
        pada("rekey", path, "--key-file", files[0], "--new-key-file", files[1]),
        pada("status", path, "--key-file", files[0]),
        pada("encrypt", path, "--key-file", files[1]),
        pada("check", path, "--key-file", files[1]),
    ]
    assert [done.returncode for done in said] == [0, 0, 3, 2, 0], [done.stderr for done in said]
    assert "does not fit" in said[2].stderr and "Traceback" not in said[2].stderr
    assert stat.S_IMODE(files[0].stat().st_mode) == stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.file_is_encrypted(path)
    assert pada("decrypt", path, "--key-file", files[1]).returncode == 0
    assert rows_of(path) == before
    assert sorted(os.listdir(tmp_path)) == ["first.key", "p.duckdb", "second.key"]


def test_a_host_gets_the_key_by_no_way_that_others_see(locked, key_file):
    keys.ring.ask = lambda _: KEY
    try:
        with Session.start_host(locked) as session:
            process = Path(f"/proc/{session.status()['host']}")
            for seen in ("cmdline", "environ"):
                assert KEY.encode() not in (process / seen).read_bytes()
            done = pada("status", locked, "--json")  # the host has the key; who talks to it needs none
            assert json.loads(done.stdout)["examples"]["train"] == 500
    finally:
        keys.ring.ask = None
        keys.ring.forget(locked)
        pada("stop", locked)


def test_a_passphrase_is_asked_for_and_not_shown(tmp_path):
    path = tmp_path / "p.duckdb"
    Project.create(path, {}, [example(1)]).close()
    words = "correct horse battery staple"
    assert "encrypted now" in typed(["encrypt", path], [words, words])
    with Project.open(path, key=keys.from_passphrase(words)) as project:
        assert project.get(Setting) == []
    shown = typed(["status", path], [words])
    assert "1 training" in shown and words not in shown
    assert "does not fit" in typed(["status", path], ["wrong horse battery staple"])
    assert "not the same" in typed(["rekey", path], [words, words, "another one entirely"])
    assert "12 characters" in typed(["rekey", path], [words, "short"])


def typed(words: list, answers: list[str]) -> str:
    """A command at a terminal of its own, on which the answers are typed, each after a question; what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, left = b"", list(answers)
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        shown += part
        if left and shown.rstrip(b" ").endswith(b":"):
            os.write(ours, left.pop(0).encode() + b"\n")
    os.close(ours)
    process.wait(30)
    return shown.decode()
