"""Registering models: what is read from their headers, what is refused, and that hostile files hurt nobody."""

import json
import random
import shutil
import struct
from pathlib import Path

import pytest

from pada_local.errors import Interrupted, MissingError, UsageError
from pada_local.runtime import catalog, registered
from pada_local.runtime.examine import examine_model
from pada_local.runtime.gguf_header import BadHeader, read_header

MODELS = Path(__file__).resolve().parents[2] / "models"
TEACHER = MODELS / "demo-teacher" / "demo-teacher-f16.gguf"
STUDENT = MODELS / "demo-student"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_a_gguf_tells_what_it_is():
    facts = examine_model(TEACHER)
    assert (facts.kind, facts.role, facts.architecture, facts.template) == ("gguf", "teacher", "llama", "chatml")
    assert 2.0e6 < facts.parameters < 2.2e6 and facts.context == 2048 and facts.bytes == TEACHER.stat().st_size
    assert facts.fits.keys() == {"teacher", "judge"} and "estimate" in facts.fits["teacher"]


def test_a_folder_tells_what_it_is():
    facts = examine_model(STUDENT)
    assert (facts.kind, facts.role, facts.architecture, facts.template) == ("folder", "student", "llama", "chatml")
    assert 2.0e6 < facts.parameters < 2.2e6 and facts.fits["student"].startswith("fits")


def test_what_needs_more_than_there_is_does_not_fit(monkeypatch):
    from pada_local.runtime import memory

    monkeypatch.setattr(memory, "gpus", lambda: [])
    monkeypatch.setattr(memory, "available_mib", lambda: 20)
    assert examine_model(TEACHER).fits["teacher"].startswith("does not fit")


def test_an_added_model_is_named_listed_verified_and_forgotten(tmp_path):
    copy = Path(shutil.copy(TEACHER, tmp_path / "My Teacher Q8.gguf"))
    model, _ = registered.add(copy)
    assert model.name == "my-teacher-q8" and catalog.resolve("my-teacher-q8", "teacher") == copy
    assert catalog.find_model("my-teacher-q8", "teacher") == "my-teacher-q8"
    assert catalog.problems(catalog.load_catalog()["my-teacher-q8"], thorough=True) == []
    with copy.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    assert "not the file" in catalog.problems(catalog.load_catalog()["my-teacher-q8"])[0]
    with pytest.raises(MissingError, match="not complete"):
        catalog.resolve("my-teacher-q8")
    registered.remove("my-teacher-q8")
    assert "my-teacher-q8" not in catalog.load_catalog() and copy.exists()


def test_a_changed_byte_under_the_old_time_is_found_by_verifying(tmp_path):
    import os

    copy = Path(shutil.copy(TEACHER, tmp_path / "t.gguf"))
    registered.add(copy, "t")
    before = copy.stat()
    with copy.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    model = catalog.load_catalog()["t"]
    assert catalog.problems(model) == [] and "not the file" in catalog.problems(model, thorough=True)[0]


def test_hashing_tells_how_far_it_is_and_what_is_told_can_end_it(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "HASH_BLOCK", 2**20)
    copy, told = Path(shutil.copy(TEACHER, tmp_path / "t.gguf")), []
    size = copy.stat().st_size

    def tell(done, total):
        told.append((done, total))
        if len(told) == 2:
            raise Interrupted("Enough.")

    with pytest.raises(Interrupted):
        registered.add(copy, "t", tell)
    assert told == [(2**20, size), (2**21, size)] and "t" not in catalog.load_catalog()
    registered.add(copy, "t", lambda done, total: told.append((done, total)))
    assert told[-1] == (size, size)
    told.clear()
    assert registered.verify("t", lambda done, total: told.append((done, total))) == {"t": []} and told[-1] == (size, size)
    told.clear()
    assert registered.verify("", lambda done, total: told.append((done, total))).keys() == {"t", "demo-student", "demo-teacher"}
    assert told[-1][0] == told[-1][1] > 2 * size and [done for done, _ in told] == sorted({done for done, _ in told})
    with pytest.raises(UsageError, match="no model"):
        registered.verify("other")


def test_installed_models_tell_whose_they_are_and_what_is_wrong(tmp_path):
    copy = Path(shutil.copy(TEACHER, tmp_path / "t.gguf"))
    model, facts = registered.add(copy, "t")
    assert [line.partition(":")[0] for line in registered.described(model, facts)][2:] == ["as student", "as teacher", "as judge"]
    copy.unlink()
    found = {one.model.name: one for one in registered.installed()}
    assert found["t"].own and "not there" in found["t"].problems[0]
    assert not found["demo-student"].own and found["demo-student"].path == STUDENT and found["demo-student"].problems == []


@pytest.mark.parametrize("name", ["demo-student", "UPPER", "../x", "a b"])
def test_bad_and_taken_names_are_refused(name):
    with pytest.raises(UsageError):
        registered.add(STUDENT, name)


def test_only_what_was_added_can_be_forgotten():
    with pytest.raises(UsageError, match="was added"):
        registered.remove("demo-student")


@pytest.mark.parametrize("inside", ["pytorch_model.bin", "original/consolidated.00.pth"])
def test_a_folder_with_a_pickle_is_refused_by_name(tmp_path, inside):
    folder = shutil.copytree(STUDENT, tmp_path / "s")
    (folder / inside).parent.mkdir(exist_ok=True)
    (folder / inside).write_bytes(b"\x80\x04.")
    with pytest.raises(MissingError, match="can run code"):
        registered.add(folder)


def test_a_pickle_under_another_name_is_refused_by_content(tmp_path):
    folder = shutil.copytree(STUDENT, tmp_path / "s")
    (folder / "model.safetensors").write_bytes(b"\x80\x04\x95" + b"x" * 200)
    with pytest.raises(MissingError, match="no safetensors"):
        registered.add(folder)
    (tmp_path / "t.gguf").write_bytes(b"\x80\x04\x95" + b"x" * 200)
    with pytest.raises(MissingError, match="cannot be trusted"):
        registered.add(tmp_path / "t.gguf")


def _header(keys: bytes, tensors: int = 0, count: int = 1) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, count) + keys


BOMBS = {
    "a key as long as the address space": _header(struct.pack("<Q", 2**63)),
    "an array of 2^60 numbers": _header(struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**60)),
    "an array of 2^60 texts": _header(struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**60)),
    "arrays of arrays": _header(struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 9, 1)),
    "more keys than fit": _header(b"", count=2**40),
    "more tensors than fit": _header(b"", tensors=2**40, count=0),
    "an unknown kind": _header(struct.pack("<Q", 1) + b"k" + struct.pack("<I", 77)),
    "a file of another version": b"GGUF" + struct.pack("<IQQ", 99, 0, 0),
    "nothing": b"",
    "half a header": b"GGUF\x03\0",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_named(tmp_path, name):
    file = tmp_path / "bomb.gguf"
    file.write_bytes(BOMBS[name])
    with pytest.raises(MissingError, match="cannot be trusted") as refused:
        examine_model(file)
    assert "bomb.gguf" in refused.value.detail


def test_fifty_mutated_headers_are_read_or_refused_and_nothing_else(tmp_path):
    whole = TEACHER.read_bytes()
    head, rng = whole[:4096], random.Random(7)
    for number in range(50):
        bent = bytearray(head)
        for _ in range(rng.randint(1, 8)):
            bent[rng.randrange(len(bent))] = rng.randrange(256)
        file = tmp_path / f"bent-{number}.gguf"
        file.write_bytes(bytes(bent) + whole[4096 : rng.randrange(4096, len(whole))])
        try:
            read_header(str(file))
        except (BadHeader, struct.error):
            pass
    try:
        examine_model(file)
    except MissingError as error:
        assert file.name in error.detail


def test_what_a_header_says_cannot_steer_the_terminal(tmp_path):
    key, text = b"general.license", b"\x1b]52;c;aGk=\x07"
    file = tmp_path / "t.gguf"
    file.write_bytes(_header(struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(text)) + text))
    from tests.cli.conftest import pada

    done = pada("models", "add", file, "--name", "odd", env={"XDG_DATA_HOME": str(tmp_path / "x")})
    assert done.returncode == 0 and "\x1b" not in done.stdout + done.stderr
    listed = json.loads(pada("models", "list", "--json", env={"XDG_DATA_HOME": str(tmp_path / "x")}).stdout)
    assert "odd" in {row["name"] for row in listed}
