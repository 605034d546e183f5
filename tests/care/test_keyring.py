"""`--keyring`: the key is kept by the system's keyring and found there again; without one that works it is a sentence."""

import json
import os
from pathlib import Path

import pytest

from pada_local.runtime import keys
from tests.care.conftest import KEY, OTHER
from tests.cli.conftest import ROOT
from tests.cli.conftest import pada as command

OURS = "tests.care.keyring_backends"


@pytest.fixture
def pada(tmp_path):
    """The command with a keyring of the test's choice."""
    keyring = pytest.importorskip("keyring", reason="the package keyring is not installed (pip install pada-local[keyring])")
    folders = [ROOT, Path(keyring.__file__).parents[1]]
    (tmp_path / "config" / "python_keyring").mkdir(parents=True)

    def called(backend, *words):
        text = f"[backend]\ndefault-keyring={backend}\nkeyring-path={ROOT}\n"
        (tmp_path / "config" / "python_keyring" / "keyringrc.cfg").write_text(text)
        env = {"PYTHONPATH": os.pathsep.join(map(str, folders)), "XDG_CONFIG_HOME": str(tmp_path / "config"),
               "TEST_KEYRING": str(tmp_path / "kept.json")}  # fmt: skip
        return command(*words, env=env)

    return called


def kept(tmp_path):
    return json.loads((tmp_path / "kept.json").read_text())


def test_a_key_that_fits_is_kept_and_found_again(pada, locked, key_file, tmp_path):
    ours = f"{OURS}.FileKeyring"
    assert pada(ours, "status", locked).returncode == 3
    assert pada(ours, "status", locked, "--keyring", "--key-file", key_file).returncode == 0
    assert kept(tmp_path) == {f"pada-local {locked}": KEY}
    key_file.unlink()
    done = pada(ours, "status", locked, "--json")
    assert json.loads(done.stdout)["examples"]["train"] == 500, done.stderr
    assert pada(ours, "decrypt", locked).returncode == 0
    assert kept(tmp_path) == {} and not keys.file_is_encrypted(locked)


def test_an_old_key_in_the_keyring_does_not_lock_anybody_out(pada, locked, key_file, tmp_path):
    ours = f"{OURS}.FileKeyring"
    (tmp_path / "kept.json").write_text(json.dumps({f"pada-local {locked}": OTHER}))
    assert pada(ours, "status", locked, "--key-file", key_file).returncode == 0
    done = pada(ours, "status", locked)  # nobody is there to be asked
    assert done.returncode == 3 and "no key for it" in done.stderr and "Traceback" not in done.stderr
    assert kept(tmp_path) == {f"pada-local {locked}": OTHER}
    assert pada(ours, "status", locked, "--key-file", key_file, "--keyring").returncode == 0
    assert kept(tmp_path) == {f"pada-local {locked}": KEY}


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_no_keyring_is_a_sentence_and_other_ways_stay_open(pada, locked, key_file, backend):
    done = pada(backend, "status", locked, "--key-file", key_file, "--keyring")
    assert done.returncode == 3 and "no system keyring" in done.stderr and "Traceback" not in done.stderr
    assert pada(backend, "status", locked, "--key-file", key_file).returncode == 0
    done = pada(backend, "status", locked)
    assert done.returncode == 3 and "no key for it" in done.stderr and "Traceback" not in done.stderr


def test_a_locked_keyring_is_a_sentence(pada, locked, key_file):
    ours = f"{OURS}.LockedKeyring"
    done = pada(ours, "status", locked, "--key-file", key_file, "--keyring")
    assert done.returncode == 3 and "did not take the key" in done.stderr and "Traceback" not in done.stderr
    assert pada(ours, "status", locked, "--key-file", key_file).returncode == 0


def test_without_the_package_it_is_a_sentence(path, monkeypatch):
    monkeypatch.setattr(keys.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(keys.MissingError, match="no system keyring") as error:
        keys.need_keyring()
    assert "pip install" in error.value.fix
