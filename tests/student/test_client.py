"""The worker as a process: it dies with its parent, its death is a sentence, and a fresh one takes over."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pada_local
from pada_local.errors import Interrupted, StudentError
from pada_local.runtime import process as children
from pada_local.runtime.offline import offline_environment
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Step
from tests.worker.tiny import generate_job, prompt, train_job

ROOT = str(Path(pada_local.__file__).parents[1])


def test_killed_worker_is_a_sentence_and_the_next_job_works(client: StudentClient, student: Path, tmp_path: Path) -> None:
    def kill(step: Step) -> None:
        os.kill(client.pid, signal.SIGKILL)

    with pytest.raises(StudentError, match="killed by signal SIGKILL"):
        client.train(train_job(student, tmp_path / "a", steps=500), kill)
    assert client.pid == 0 and client.memory_mib() == 0
    assert len(client.cluster([[0.0], [1.0]], 2, 0, 1).labels) == 2
    assert client.pid and client.memory_mib() > 5


def test_idle_worker_that_was_killed_is_replaced(client: StudentClient) -> None:
    client.cluster([[0.0], [1.0]], 1, 0, 1)
    old = client.pid
    os.kill(old, signal.SIGKILL)
    children.await_exit(old, 5.0)
    client.cluster([[0.0], [1.0]], 1, 0, 1)
    assert client.pid not in (0, old)


def test_cancelling_ends_the_worker(student: Path, tmp_path: Path) -> None:
    asked: list[Step] = []
    with StudentClient(tmp_path / "private", threads=1, cancelled=lambda: bool(asked)) as client:
        with pytest.raises(Interrupted):
            client.train(train_job(student, tmp_path / "a", steps=5000), asked.append)
        assert client.pid == 0


def test_an_error_of_the_listener_and_an_abandoned_reading_end_the_job(
    client: StudentClient, student: Path, tmp_path: Path
) -> None:
    def refuse(step: Step) -> None:
        raise Interrupted("The run was paused.")

    with pytest.raises(Interrupted):
        client.train(train_job(student, tmp_path / "a", steps=5000), refuse)
    assert client.pid == 0
    answers = client.generate(generate_job(student, "", [prompt(n) for n in range(9)], tokens_per_batch=1))
    next(answers)
    answers.close()
    assert len(client.cluster([[0.0]], 1, 0, 1).labels) == 1


def test_no_orphan_after_kill_of_the_parent(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from pada_local.runtime.process import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(600)"], dict(os.environ), Path({str(tmp_path / "log")!r}),
              pass_fds=[int(sys.argv[1])])
print(child.pid, flush=True)
sys.stdin.read()
"""
    life, held = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(held)], env=os.environ | {"PYTHONPATH": ROOT}, pass_fds=[held],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    os.close(held)
    child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.communicate()
    # The write end was held by parent and child: reading to the end means that both are gone.
    assert select.select([life], [], [], 20)[0] and os.read(life, 1) == b""
    os.close(life)


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    import threading

    found: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: found.append(children.spawn(["cat"], dict(os.environ), tmp_path / "log")))
    thread.start()
    thread.join()
    found[0].stdin.write(b"still here\n")
    found[0].stdin.flush()
    assert found[0].stdout.readline() == b"still here\n"
    assert children.end(found[0]) == -signal.SIGTERM


def test_end_kills_what_ignores_sigterm_and_its_children(tmp_path: Path) -> None:
    life, held = os.pipe()
    stubborn = "trap '' TERM; sleep 600 & echo up; wait; wait; sleep 600"
    process = children.spawn(["sh", "-c", stubborn], dict(os.environ), tmp_path / "log", pass_fds=[held])
    os.close(held)
    assert process.stdout.readline() == b"up\n"
    assert children.end(process, deadline_s=0.3) == -signal.SIGKILL
    assert select.select([life], [], [], 20)[0] and os.read(life, 1) == b""
    os.close(life)


def test_a_missing_program_is_a_sentence_in_a_private_file(tmp_path: Path) -> None:
    process = children.spawn(["/nowhere/program"], dict(os.environ), tmp_path / "log")
    assert process.wait(20) == 1
    assert "cannot be started" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_worker_starts_without_heavy_imports() -> None:
    heavy = ("torch", "transformers", "peft", "sklearn", "numpy", "sentence_transformers", "unsloth")
    code = f"import sys, pada_local.worker.main as m; m.Worker(); print([n for n in {heavy!r} if n in sys.modules])"
    env = os.environ | {"PYTHONPATH": ROOT}
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True).strip() == "[]"


def test_worker_is_ready_quickly_and_ends_with_its_stdin() -> None:
    began = time.monotonic()
    worker = subprocess.Popen([sys.executable, "-m", "pada_local.worker"], env=os.environ | {"PYTHONPATH": ROOT}, cwd="/",
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert b'"Ready"' in worker.stdout.readline()
    assert time.monotonic() - began < 5.0  # a loaded machine; torch alone would take longer
    worker.stdin.write(b'{"type":"Nonsense"}\n')
    worker.stdin.flush()
    assert b"Failed" in worker.stdout.readline()
    worker.stdin.close()
    assert worker.wait(20) == 0


def test_offline_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://10.0.0.1:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:3128")
    monkeypatch.setenv("HF_TOKEN", "secret")
    env = offline_environment(tmp_path)
    assert not {"https_proxy", "HTTP_PROXY", "HF_TOKEN"} & set(env)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "UNSLOTH_DISABLE_STATISTICS", "DO_NOT_TRACK"):
        assert env[name] == "1"
    for name in (
        "HF_HOME",
        "TORCH_HOME",
        "TRITON_CACHE_DIR",
        "XDG_CACHE_HOME",
        "TORCHINDUCTOR_CACHE_DIR",
        "TMPDIR",
        "UNSLOTH_COMPILE_LOCATION",
    ):
        assert env[name].startswith(str(tmp_path)) and Path(env[name]).is_dir()
        assert Path(env[name]).stat().st_mode & 0o077 == 0
