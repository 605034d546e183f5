"""A finished project with stored events, one that waits for its person, and a way to wait for the screen."""

import shutil
import time

import msgspec
import pytest

from pada_local.errors import Interrupted
from pada_local.events import Resources, encode
from pada_local.records import EventRow, Run
from tests.loop.test_loop import RECIPE, Bench

WAITING = RECIPE + "[review]\nstrategies = true\nsamples = true\n"


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal that shows Unicode and colours, whatever the tests are started in."""
    for name in ("LC_ALL", "LC_CTYPE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")


def keep_events(bench: Bench) -> None:
    """What a host would have written, but for what it says every few seconds: how often that is depends on the machine."""
    at, said = "2026-01-01T00:00:00", [event for event in bench.events if not isinstance(event, Resources)]
    bench.project.put(*(
        EventRow(seq=number, run_id=event.run_id, at=at, kind=type(event).__name__, body=encode(event).decode())
        for number, event in enumerate(said, 1)
    ))  # fmt: skip


@pytest.fixture(scope="session")
def finished_file(tmp_path_factory):
    """A run of the loop with fakes, done."""
    folder = tmp_path_factory.mktemp("tui")
    with pytest.MonkeyPatch.context() as patch:
        bench = Bench(folder, patch)
        bench.run()
        keep_events(bench)
        bench.project.close()
    return bench.path


@pytest.fixture
def finished(finished_file, tmp_path, monkeypatch):
    """A copy in a folder of its own, where the app is started."""
    monkeypatch.chdir(tmp_path)
    return shutil.copy(finished_file, tmp_path / "notes.duckdb")


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """A run that waits for somebody to look at its samples."""
    bench = Bench(tmp_path, monkeypatch)
    from pada_local.review import decide, round_id

    for _ in range(2):
        with pytest.raises(Interrupted):
            bench.run(WAITING)
        run = bench.project.one(Run)
        if bench.project.count(EventRow) == 0 and not _confirmed(bench):
            decide(bench.project, run.id, round_id("strategies", 1), "confirm", {})
    bench.project.replace(msgspec.structs.replace(bench.project.one(Run), state="paused"))
    keep_events(bench)
    bench.project.close()
    return bench.path


@pytest.fixture
def waiting_for_strategies(tmp_path, monkeypatch):
    """A run that waits for somebody to look at its strategies."""
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(Interrupted):
        bench.run(RECIPE + "[review]\nstrategies = true\n")
    bench.project.replace(msgspec.structs.replace(bench.project.one(Run), state="paused"))
    keep_events(bench)
    bench.project.close()
    return bench.path


def _confirmed(bench: Bench) -> bool:
    from pada_local.records import Decision

    return bench.project.count(Decision) > 0


async def until(pilot, holds, seconds: float = 20.0) -> None:
    """Let the app work until something holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"the screen never showed it:\n{shown(pilot.app)}"
        await pilot.pause(0.02)


def shown(app) -> str:
    """The text of the screen as a person reads it."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
