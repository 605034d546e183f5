"""A model gets the memory that its files account for: real ones stay below, lying ones end with a sentence, and we live on."""

import json
import resource
import shutil
import sys
from pathlib import Path

import pytest

from pada_local.errors import MissingError, TeacherError
from pada_local.runtime import limits, memory, process
from pada_local.runtime.catalog import resolve
from pada_local.student import protocol as say
from pada_local.student.client import JobFailed, StudentClient, memory_for
from pada_local.teacher.launch import find_server
from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import Solution
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings

MIB = 2**20
LARGE = "import sys; sys.stdin.readline(); b = bytearray(300 * 2**20); print('got it')"


@pytest.fixture
def no_card():
    if memory.gpus():
        pytest.skip("where a card is nothing is limited")


def spawned(tmp_path, code):
    return process.spawn([sys.executable, "-I", "-S", "-c", code], {}, tmp_path / "log")


def test_the_kernel_refuses_what_is_beyond_the_limit(tmp_path):
    child = spawned(tmp_path, LARGE)
    process.limit_memory(child.pid, 200 * MIB)
    child.communicate(b"\n", timeout=60)
    assert child.returncode == 1 and "MemoryError" in (tmp_path / "log").read_text()
    child = spawned(tmp_path, LARGE)
    process.limit_memory(child.pid, 200 * MIB)
    process.limit_memory(child.pid, 0)
    assert b"got it" in child.communicate(b"\n", timeout=60)[0]


def test_a_child_is_offered_to_the_kernel_before_its_parent(tmp_path):
    child = spawned(tmp_path, "import sys; sys.stdin.readline(); print(open('/proc/self/oom_score_adj').read())")
    assert child.communicate(b"\n", timeout=60)[0].split() == [b"500"]


def student(folder: Path, **config) -> Path:
    """The demo's student with another config."""
    shutil.copytree(resolve("demo-student"), folder)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return folder


def generate(base) -> say.Generate:
    return say.Generate(base=str(base), adapter="", prompts=["Note: fever."], stop="\n", max_new_tokens=4, tokens_per_batch=256,
                        threads=1)  # fmt: skip


def test_what_a_header_says_and_its_file_does_not_hold_buys_nothing(tmp_path, no_card):
    honest = memory_for(generate(resolve("demo-student")))
    lying = memory_for(generate(student(tmp_path / "s", num_hidden_layers=4000, max_position_embeddings=2**20)))
    assert 0 < lying < honest <= limits.SHARE * memory.total_mib() * MIB
    assert memory_for(say.Embed(model="", texts=[])) == 0


def test_more_work_may_take_more_and_nothing_more_than_the_machine_has(no_card, monkeypatch):
    folder = resolve("demo-student")
    monkeypatch.setattr(memory, "total_mib", lambda: 10**6)
    small, large = limits.of_student(folder, 256, 256), limits.of_student(folder, 65536, 256)
    assert small < limits.of_student(folder, 256, 256, rank=16) and small < large
    monkeypatch.setattr(memory, "total_mib", lambda: 1000)
    assert limits.of_student(folder, 65536, 256) == int(900 * MIB)
    teacher = resolve("demo-teacher", "teacher")
    assert limits.of_teacher(teacher, 2, 1024) == int(900 * MIB)


def test_a_student_with_more_layers_than_its_file_ends_with_a_sentence(tmp_path, no_card, monkeypatch):
    monkeypatch.setattr(limits, "SLACK", 700 * MIB)  # PyTorch takes 500; so the test need not fill gigabytes
    with StudentClient(tmp_path / "private", threads=1) as client:
        list(client.generate(generate(resolve("demo-student"))))
        first, limit = client.pid, client._most_bytes
        assert resource.prlimit(first, resource.RLIMIT_DATA)[0] == limit < 2**30
        with pytest.raises(JobFailed, match="Memory ran out") as error:
            list(client.generate(generate(student(tmp_path / "s", num_hidden_layers=1500))))
        assert error.value.kind == "memory" and f"{limit // MIB} MiB" in error.value.detail
        [(_, [text], _)] = client.generate(generate(resolve("demo-student")))  # the same worker lives on
        assert client.pid == first and isinstance(text, str)


def test_a_teacher_that_needs_more_ends_with_a_sentence(tmp_path, no_card, monkeypatch):
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.detail)
    asks = [Ask(purpose="solve", prompt="Note: fever.", schema=Solution, max_tokens=8)]
    server = LlamaServer(resolve("demo-teacher", "teacher"), Settings(slots=4, context=1024, threads=1), folder=tmp_path / "r")
    replies = []
    try:
        server.ask_all(asks, lambda at, reply: replies.append(reply), lambda: False)
        assert resource.prlimit(server._server.process.pid, resource.RLIMIT_DATA)[0] == server._server.most_bytes > 2**30
    finally:
        server.close()
    assert replies[0].state in ("ok", "cut")
    monkeypatch.setattr(limits, "_bounded", lambda _: 400 * MIB)
    settings = Settings(slots=32, context=16384, threads=1)  # its cache alone takes more
    server = LlamaServer(resolve("demo-teacher", "teacher"), settings, folder=tmp_path / "r")
    try:
        with pytest.raises(TeacherError, match="could not be started") as error:
            server.ask_all(asks, lambda *_: None, lambda: False)
    finally:
        server.close()
    assert "400 MiB" in error.value.detail, error.value.detail
