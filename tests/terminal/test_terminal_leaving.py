"""Leaving the app while a run goes on: by key, by signal, by a lost terminal, by a fault of its own."""

import os
import re
import signal

import pytest

from pada_local.session import Session
from tests.host.conftest import alive, wait_until
from tests.terminal.conftest import WITH_FAKE_LOOP, facts_of, nobody_left, ours, the_fakes_child

STEP = re.compile(r"after (\d+) steps")


def steps(screen) -> int:
    """Training steps that the run's screen tells."""
    found = STEP.search(screen.text)
    return int(found[1]) if found else 0


@pytest.fixture
def app(start, project):
    """The app on a project in which a run goes on, at its fifth step."""

    def begin(size=(120, 40), step_seconds=0.05):
        terminal = start("tui", project, module=WITH_FAKE_LOOP, size=size, PADA_FAKE_STEP_SECONDS=step_seconds)
        terminal.until("s starts one")
        terminal.press("s")
        terminal.until("Which recipe?")
        terminal.press("enter")
        terminal.until("Seed for")
        terminal.press("enter")
        terminal.until(lambda screen: steps(screen) >= 5)
        return terminal

    return begin


def end_run(path, *apps) -> None:
    """Apps first: one that is open starts a host again."""
    for terminal in apps:
        terminal.process.terminate()
        terminal.ended()
    with Session.attach(path) as session:
        session.end_run("stop")
    nobody_left(path)


@pytest.mark.parametrize(("downs", "answer", "state"), [
    (1, "Pause it", "paused"), pytest.param(2, "Stop it and its host", "stopped", marks=pytest.mark.terminal),
])  # fmt: skip
def test_q_asks_and_pauses_or_stops(app, project, downs, answer, state):
    terminal = app()
    terminal.press("q")
    terminal.until("What becomes of it?")
    terminal.until(answer)
    terminal.press(*["down"] * downs, "enter")
    assert terminal.ended() == 0
    nobody_left(project)
    [run] = facts_of(project)["runs"]
    assert run["state"] == state


@pytest.mark.terminal
def test_stay_stays_keep_leaves_and_a_second_app_shows_the_live_run(app, start, project):
    terminal = app()
    terminal.press("q")
    terminal.until("What becomes of it?")
    terminal.press("escape")
    terminal.until(lambda screen: "What becomes of it?" not in screen.text)
    terminal.press("q")
    terminal.until("What becomes of it?")
    terminal.press("enter")
    assert terminal.ended() == 0
    assert facts_of(project)["active"] and alive(the_fakes_child(project))
    second = start("tui", project, module=WITH_FAKE_LOOP)
    second.until(lambda screen: steps(screen) >= 6)
    seen = steps(second.screen)
    second.until(lambda screen: steps(screen) > seen)
    second.press("q")
    second.until("What becomes of it?")
    second.press("down", "enter")
    assert second.ended() == 0
    nobody_left(project)


def test_a_lost_terminal_ends_the_app_and_not_the_run(app, start, project):
    terminal = app()
    terminal.hang_up()
    terminal.ended()
    assert facts_of(project)["active"] and alive(the_fakes_child(project))
    assert wait_until(lambda: all("fake_host --cli" not in command for command in ours().values()))
    second = start("tui", project, module=WITH_FAKE_LOOP)
    second.until(lambda screen: steps(screen) >= 6)
    seen = steps(second.screen)
    second.until(lambda screen: steps(screen) > seen)
    end_run(project, second)


@pytest.mark.terminal
def test_two_terminals_watch_one_run_and_see_the_same(app, start, project):
    first = app(step_seconds=0.02)
    second = start("tui", project, module=WITH_FAKE_LOOP)
    second.until(lambda screen: steps(screen) >= 6)
    for terminal in (first, second):
        terminal.until("✓ done", 60)
        terminal.until("run done")
    assert steps(first.screen) == steps(second.screen) > 20
    for terminal in (first, second):
        terminal.press("q")
        assert terminal.ended() == 0
    nobody_left(project)


@pytest.mark.terminal
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_app_and_leaves_the_run_to_its_host(app, project, ended_by):
    """Ctrl-C is a key in the app; from outside, an interrupt goes to the app's whole process group."""
    terminal = app()
    terminal.press("ctrl+c")
    before = steps(terminal.screen)
    terminal.until(lambda screen: steps(screen) > before)
    os.killpg(terminal.process.pid, ended_by)
    assert terminal.ended() == (-ended_by if ended_by == signal.SIGKILL else 0)
    if ended_by != signal.SIGKILL:
        wait_until(lambda: b"\x1b[?1049l" in terminal.raw)
        assert b"\x1b[?1049l" in terminal.raw, "the terminal is put back as it was"
    facts = facts_of(project)
    owned = {facts["host"], the_fakes_child(project)}
    assert facts["active"] and alive(the_fakes_child(project)) and wait_until(lambda: set(ours()) <= owned), ours()
    end_run(project)


@pytest.mark.terminal
@pytest.mark.parametrize("after", [0, 200, 2000, 12000])
def test_ctrl_c_while_it_starts_leaves_nobody(start, project, after):
    """A host that was being started has no viewer: it ends by itself, or it never was. `after` is bytes written so far."""
    terminal = start("tui", project, module=WITH_FAKE_LOOP)
    terminal.until(lambda _: len(terminal.raw) >= after)
    os.killpg(terminal.process.pid, signal.SIGINT)
    terminal.ended()
    assert wait_until(lambda: not ours(), 45), ours()


def test_a_screen_that_breaks_is_a_sentence_and_the_run_goes_on(start, project, app):
    terminal = app()
    broken = start(project, module=("-m", "tests.terminal.broken_app"))
    broken.until("Training and validation")
    broken.press("5")
    assert broken.ended() == 5
    told = broken.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "The app broke." in told and "SECRET-LOCAL" not in told and "Traceback" not in told, told
    assert "ZeroDivisionError: injected" in told and "goes on" in told
    before = steps(terminal.screen)
    terminal.until(lambda screen: steps(screen) > before)
    end_run(project, terminal)


@pytest.mark.terminal
def test_an_answer_that_cannot_be_drawn_is_a_notice_and_the_app_stays(start, project, app):
    terminal = app()
    broken = start(project, module=("-m", "tests.terminal.broken_app"))
    broken.until("Training and validation")
    broken.press("3")
    broken.until("KeyError")
    broken.until("could not show this")
    broken.press("6")
    broken.until("Training and validation")
    broken.press("q")
    broken.until("What becomes of it?")
    broken.press("enter")
    assert broken.ended() == 0
    end_run(project, terminal)
