"""The app in a pseudo-terminal, its processes, and projects whose hosts run the fake loop."""

import os
import sys
from pathlib import Path

import pytest

from pada_local.session import Session
from tests.host.conftest import alive, project, wait_until
from tests.terminal.pseudo import Terminal
from tests.tui.conftest import finished, finished_file

__all__ = ["finished", "finished_file", "project"]
ROOT = Path(__file__).resolve().parents[2]
APP = ("-m", "pada_local.cli")
WITH_FAKE_LOOP = ("-m", "tests.host.fake_host", "--cli")


@pytest.fixture
def start():
    """Starts `pada WORDS` in a terminal; what still runs at the end of the test is killed."""
    started = []

    def begin(*words, module=APP, size=(120, 40), cwd=None, **environment) -> Terminal:
        command = [sys.executable, *module, *map(str, words)]
        named = os.environ | {"PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in environment.items()}
        started.append(Terminal(command, named, size, cwd))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.__exit__()


def ours() -> dict[int, str]:
    """Every living process of this test, told by its own XDG_RUNTIME_DIR, and its command; not pytest itself."""
    mark, found = f"XDG_RUNTIME_DIR={os.environ['XDG_RUNTIME_DIR']}".encode(), {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it ended while we looked
    return {pid: command for pid, command in found.items() if alive(pid)}


def the_fakes_child(path: Path) -> int:
    """The process that the fake run keeps."""
    return int((path.parent / "child.pid").read_text().split()[0])


def nobody_left(path: Path) -> None:
    """No process of the test is alive, hosts and their children included."""
    assert wait_until(lambda: not ours(), 20), ours()
    assert not alive(the_fakes_child(path))


def facts_of(path: Path) -> dict:
    """Status of the project, from whoever has it open."""
    with Session.open(path) as session:
        return session.status()
