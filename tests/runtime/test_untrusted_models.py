"""Model files from anybody: two hundred bent ones, pickles under other names, config keys that steer libraries."""

import json
import os
import pickle
import random
import shutil
import struct
from pathlib import Path

import pytest

from pada_local.errors import MissingError, PadaError
from pada_local.runtime import untrusted
from pada_local.runtime.examine import examine_model
from pada_local.runtime.gguf_header import BadHeader, read_header
from pada_local.student.client import JobFailed, StudentClient
from pada_local.teacher.backends import open_backend
from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import Solution
from pada_local.teacher.settings import Settings
from pada_local.worker.folders import check_folder
from pada_local.worker.problems import JobError

MODELS = Path(__file__).resolve().parents[2] / "models"
TEACHER, STUDENT = MODELS / "demo-teacher" / "demo-teacher-f16.gguf", MODELS / "demo-student"
EACH = 100
LOADED = 4
"""Of the files whose headers pass: so many are given to the real program, which takes seconds each."""


def bent(whole: bytes, head: int, rng: random.Random) -> bytes:
    """The file with a few bytes of its head changed, or a number in it made huge, or cut short."""
    data = bytearray(whole)
    way = rng.randrange(3)
    if way == 0:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(head)] = rng.randrange(256)
    elif way == 1:
        at = rng.randrange(head - 8)
        data[at : at + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**32, 2**60, 2**63, 2**64 - 1]))
    else:
        del data[rng.randrange(len(data)) :]
    return bytes(data)


def test_a_hundred_bent_gguf_files_hurt_nobody_and_are_named(tmp_path):
    whole, rng, passed = TEACHER.read_bytes(), random.Random(11), []
    head = whole.rindex(b"blk.") + 200
    for number in range(EACH):
        file = tmp_path / f"bent-{number}.gguf"
        file.write_bytes(bent(whole, head, rng))
        try:
            read_header(str(file))
            passed.append(file)
        except (BadHeader, struct.error):
            if number % 10 == 0:
                with pytest.raises(MissingError, match="cannot be trusted") as refused:
                    examine_model(file)
                assert file.name in refused.value.detail
            file.unlink()
    print(f"GGUF: {EACH - len(passed)} of {EACH} refused by their headers, {len(passed)} are sound as far as a header tells")
    assert EACH // 2 < EACH - len(passed) < EACH
    for file in passed[:LOADED]:
        backend, replies = open_backend(str(file), Settings(slots=1, threads=1, stall_seconds=20), tmp_path), []
        ask = Ask(purpose="solve", prompt="note", schema=Solution, max_tokens=4)
        try:
            backend.ask_all([ask], lambda _, reply, told=replies: told.append(reply), lambda: False)
            assert len(replies) == 1
        except PadaError as error:
            assert file.name in error.detail
        finally:
            backend.close()


def test_a_hundred_bent_safetensors_files_hurt_nobody_and_are_named(tmp_path):
    whole, rng, passed = (STUDENT / "model.safetensors").read_bytes(), random.Random(12), []
    head = 8 + int.from_bytes(whole[:8], "little")
    folder = shutil.copytree(STUDENT, tmp_path / "s")
    file = folder / "model.safetensors"
    for _ in range(EACH):
        data = bent(whole, head, rng)
        file.write_bytes(data)
        try:
            untrusted.read_safetensors(file)
            passed.append(data)
        except untrusted.Untrusted:
            with pytest.raises(JobError) as refused:
                check_folder(str(folder))
            assert str(file) in refused.value.title
    print(
        f"safetensors: {EACH - len(passed)} of {EACH} refused by their headers, {len(passed)} are sound as far as a header tells"
    )
    assert EACH // 2 < EACH - len(passed) <= EACH
    with StudentClient(tmp_path / "w") as client:
        for data in passed[:LOADED]:
            file.write_bytes(data)
            try:
                client.describe(str(folder))
            except JobFailed as error:
                assert str(folder) in f"{error.title} {error.detail}"


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "notes.txt", "tokenizer.model", "sub/x.dat"])
def test_a_pickle_is_refused_by_name_or_by_content(tmp_path, name):
    folder, trace = shutil.copytree(STUDENT, tmp_path / "s"), tmp_path / "ran"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(Evil(trace)))
    with pytest.raises(MissingError, match="can run code"):
        examine_model(folder)
    with pytest.raises(JobError, match="refused"):
        check_folder(str(folder))
    assert not trace.exists()


@pytest.mark.parametrize("start", list(untrusted.CODE))
def test_what_can_run_is_told_by_how_it_begins(tmp_path, start):
    folder = shutil.copytree(STUDENT, tmp_path / "s")
    (folder / "notes.txt").write_bytes(start + b" and more")
    with pytest.raises(JobError, match="begins like"):
        check_folder(str(folder))


@pytest.mark.parametrize(
    "key, value",
    [("auto_map", {"AutoModel": "evil.Model"}), ("_attn_implementation_internal", "evil/kernel"),
     ("attn_implementation", "evil/kernel"), ("custom_pipelines", {}), ("_anything", 1)],
)  # fmt: skip
def test_config_keys_that_load_code_are_refused(tmp_path, key, value):
    folder = shutil.copytree(STUDENT, tmp_path / "s")
    config = json.loads((folder / "config.json").read_text())
    for changed in (config | {key: value}, config | {"text_config": {key: value}}):
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(JobError, match="refused"):
            check_folder(str(folder))


def test_config_keys_that_the_library_does_not_declare_never_reach_it(tmp_path):
    from pada_local.worker.models import known_config

    folder = shutil.copytree(STUDENT, tmp_path / "s")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(config | {"kernel_repository": "evil/x", "exporters": [1], "name_or_path": "x/y"})
    )
    known = known_config(folder)
    assert not hasattr(known, "kernel_repository") and not hasattr(known, "exporters")
    assert all(getattr(known, name) == config[name] for name in ("hidden_size", "num_hidden_layers", "vocab_size", "hidden_act"))
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "evil"}))
    with pytest.raises(JobError, match="unknown type"):
        known_config(folder)
