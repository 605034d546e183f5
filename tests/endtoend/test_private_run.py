"""What a run of an encrypted project leaves on the disk: planted words are looked for in all that it wrote, also half-way."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pada_local.host import place
from pada_local.records import Candidate, Example, Prompt, Setting, TeacherCall
from pada_local.runtime import keys
from pada_local.store.project import Project
from tests.endtoend.conftest import own_environment
from tests.faults import crash_help as crash

pytestmark = [pytest.mark.private, pytest.mark.timeout(1500)]
MARKER = "QUAGGA7731"
WRITES = re.compile(r'(?:openat\(AT_FDCWD, |creat\(|mkdir\()"([^"]+)".*(?:O_WRONLY|O_RDWR|O_CREAT|mkdir|creat).*= \d+$')


def make_locked(folder: Path) -> tuple[Path, Path, str]:
    """The small project of the fault tests with the marker in the task and in every example, behind a key."""
    path, recipe = crash.make_project(folder)
    with Project.open(path) as project:
        examples = project.get(Example)
        settings = {row.key: row.value for row in project.get(Setting)}
    path.unlink()
    key = keys.make_key_file(folder / "p.key")
    marked = [msgspec.structs.replace(row, input=f"{row.input} {MARKER}") for row in examples]
    Project.create(path, settings | {"task": f"{settings['task']} {MARKER}"}, marked, key).close()
    return path, recipe, key


def readable(folder: Path) -> list[str]:
    """Files of the folder in which the marker can be read, in either of the encodings that databases and logs use."""
    wanted = [MARKER.encode(), MARKER.encode("utf-16-le")]
    found = []
    for file in folder.rglob("*"):
        try:
            data = file.read_bytes() if file.is_file() else b""
        except FileNotFoundError:  # gone meanwhile
            continue
        found += [str(file)] if any(text in data for text in wanted) else []
    return found


def start(path: Path, recipe: Path, environment: dict[str, str], tracer: list[str]) -> subprocess.Popen:
    command = [*tracer, sys.executable, "-m", "pada_local.cli", "run", str(path), "--recipe", str(recipe), "--events", "json",
               "--key-file", str(path.with_name("p.key"))]  # fmt: skip
    return subprocess.Popen(command, cwd=path.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def tracer_to(trace: Path) -> list[str]:
    """The words that write down every file that is opened or made; none where strace is missing or forbidden."""
    words = ["strace", "-f", "--seccomp-bpf", "-e", "trace=openat,creat,mkdir", "-s", "300", "-o"]
    allowed = shutil.which("strace") and not subprocess.run([*words, "/dev/null", "true"], capture_output=True).returncode
    return [*words, str(trace)] if allowed else []


def test_planted_words_are_nowhere_on_the_disk(short_folder, monkeypatch):
    folder = short_folder / "private"
    (folder / "home").mkdir(parents=True)
    environment = own_environment(folder) | {"HOME": str(folder / "home")}
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, environment[name])
    path, recipe, key = make_locked(folder)
    trace = folder.with_name("trace")
    tracer = tracer_to(trace)
    process = start(path, recipe, environment, tracer)
    stages = set()
    for line in process.stdout:
        event = msgspec.json.decode(line)
        if event.get("stage") and event["stage"] not in stages:
            stages.add(event["stage"])
            assert readable(folder) == [], f"at the start of {event['stage']}"
            if event["stage"] == "gate":
                crash.kill(crash.member(path, "host"))
                break
    process.communicate(timeout=60)
    assert {"train", "evaluate", "analyse", "generate", "gate"} <= stages
    assert readable(folder) == [], "after a kill"
    if tracer:
        check_written(trace.read_text(errors="replace"), folder)
    finish = start(path, recipe, environment, [])
    _, said = finish.communicate(timeout=300)
    assert finish.returncode == 0, said.decode()[-2000:]
    assert MARKER.encode() not in said
    crash.assert_nobody_left(path)
    assert readable(folder) == []
    check_cleared(path, folder)
    with Project.open(path, read_only=True, key=key) as project:
        assert any(MARKER in row.text for row in project.get(Prompt)) and project.count(TeacherCall) and project.count(Candidate)


def check_written(trace: str, folder: Path) -> None:
    """Every file that any process of the run opened for writing lies in the test's folder, in memory or is a device."""
    written = {os.path.normpath(match[1]) for line in trace.splitlines() if (match := WRITES.search(line))}
    assert any(name.endswith("p.duckdb") for name in written), "the trace saw nothing"
    memory = f"/dev/shm/pada-{os.getuid()}/"
    allowed = (str(folder), memory, memory.rstrip("/"), "/dev/", "/proc/", "/memfd:", "/sys/")
    assert sorted(name for name in written if name.startswith("/") and not name.startswith(allowed)) == []


def check_cleared(path: Path, folder: Path) -> None:
    """The libraries' caches were in the run's private folder and went with it; nothing was put into the home folder."""
    assert list(Path("/dev/shm").glob(f"pada-{os.getuid()}/run-{place.short_name(path)}-*")) == []
    assert [str(file) for file in (folder / "home").rglob("*")] == []
    assert [str(file) for file in (folder / "h").rglob("*") if file.is_file()] == []
    left = {file.name for file in folder.rglob("*") if file.is_file()}
    assert left <= {"p.duckdb", "small.toml", "p.key", "recent.json", "recent.lock"}, left  # paths of projects, no contents


def test_the_search_finds_what_is_plain(tmp_path):
    path, _, key = make_locked(tmp_path)
    with Project.open(path, key=key) as project:
        project.renew_file("")
    assert readable(tmp_path) == [str(path)]
