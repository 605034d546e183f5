"""A replay: the same pictures as the live app's, at any speed, and nothing in it changes the project."""

import asyncio
import time
from functools import reduce

import msgspec
import pytest
from textual.widgets import DataTable

from pada_local import events
from pada_local.errors import BusyError, UsageError
from pada_local.records import EventRow, Row
from pada_local.session import Session
from pada_local.store.project import Project
from pada_local.store.tables import NAMES
from tests.tui.conftest import shown, until
from tui import actions
from tui.feed import Seen, apply
from tui.replay import ReplayDoor, ReplayFeed
from tui.replay_app import ReplayApp

SECONDS = 3.0
"""Between two events of the stored run."""


@pytest.fixture
def run(finished) -> tuple:
    """Path, id of its run, its events: three seconds between two of them, and an hour's pause in the middle."""
    with Project.open(finished) as project:
        rows = project.get(EventRow)
        clock = 0.0
        for number, row in enumerate(rows):
            clock += SECONDS
            at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_700_000_000 + clock))
            rows[number] = msgspec.structs.replace(row, at=at)
        project.replace(*rows)
        return finished, rows[0].run_id, [events.decode(row.body) for row in rows]


def final(said: list[events.Event]) -> Seen:
    return reduce(apply, said, Seen())


def everything(path) -> dict[type[Row], list[Row]]:
    """All rows of the file, as soon as its host has left."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with Project.open(path) as project:
                return {kind: project.get(kind) for kind in NAMES}
        except BusyError:
            assert time.monotonic() < deadline, "the host never left"
            time.sleep(0.05)


class Played:
    """A feed with its thread, and a way to wait for it."""

    def __init__(self, path, run_id, speed=1.0):
        self.door, self.told = ReplayDoor(path), []
        self.feed = ReplayFeed(self.door, self.told.append, run_id, speed)
        self.feed.start()

    def until(self, holds, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not holds(self.feed.place):
            assert time.monotonic() < deadline, self.feed.place
            time.sleep(0.01)

    def close(self):
        self.feed.end()
        self.feed.join(5)
        self.door.close()
        assert not self.feed.is_alive()


@pytest.fixture
def played(run):
    made = Played(run[0], run[1])
    yield made
    made.close()


def test_at_the_end_a_replay_shows_what_the_live_feed_shows(run, played):
    played.until(lambda place: place.done >= 1)
    played.feed.leap("end")
    played.until(lambda place: place.count and place.done == place.count)
    assert played.feed.take() == final(run[2])
    assert played.feed.place.moment == pytest.approx(SECONDS * (len(run[2]) - 1)) and "at the end" in played.feed.place.in_words()
    assert len(played.told) >= 1


def test_a_replay_keeps_the_runs_own_pace_times_its_speed(run):
    """Each event comes when the run's clock has reached its moment; how fast that clock goes is the speed."""
    made = Played(*run[:2], speed=64.0)
    began = time.monotonic()
    try:
        made.until(lambda place: place.done >= 10)
        place, took = made.feed.place, time.monotonic() - began
        assert place.done <= 1 + place.moment / SECONDS
        assert place.moment <= took * 64 + SECONDS
        made.feed.change_speed(0.5)
        assert made.feed.place.speed == 32
        for _ in range(20):
            made.feed.change_speed(2)
        assert made.feed.place.speed == 4096
    finally:
        made.close()


def test_pause_next_stage_and_start_again(run, played):
    played.until(lambda place: place.done == 1)
    played.feed.pause_or_play()
    stages = [at for at, event in enumerate(run[2], 1) if isinstance(event, events.StageStarted)]
    for expected in stages[:3]:
        played.feed.leap("stage")
        played.until(lambda place, expected=expected: place.done == expected)
        seen = played.feed.take()
        assert seen == final(run[2][:expected]) and seen.view.stages[-1].state == "running"
    moment = played.feed.place.moment
    assert played.feed.place.paused and played.feed.place.moment == moment
    played.feed.leap("start")
    played.until(lambda place: place.done == 0)
    assert played.feed.take() == Seen() and played.feed.place.moment == 0
    played.feed.pause_or_play()
    played.until(lambda place: place.done >= 1)


def test_the_time_of_a_pause_is_not_waited_for(run):
    path, run_id, said = run
    with Project.open(path) as project:
        rows = project.get(EventRow)
        again = msgspec.structs.replace(said[0], resumed=True)
        project.put(EventRow(seq=len(rows) + 1, run_id=run_id, at="2024-01-01T00:00:00", kind="RunStarted",
                             body=events.encode(again).decode()))  # fmt: skip
    with Session.open(path) as session:
        page = session.ask("stored_events", run=run_id)
    assert page["count"] == len(rows) + 1 and page["seconds"] == pytest.approx(SECONDS * (len(rows) - 1))


def test_a_run_without_events_and_a_wrong_run_are_sentences(run):
    with Session.open(run[0]) as session, pytest.raises(UsageError, match="no run 'nobody'"):
        session.ask("stored_events", run="nobody")
    with Project.open(run[0]) as project:
        [old] = [row for row in project.get(next(kind for kind in NAMES if kind.__name__ == "Run"))]
        project.put(msgspec.structs.replace(old, id="silent"))
    with Session.open(run[0]) as session, pytest.raises(UsageError, match="no stored events"):
        session.ask("stored_events", run="silent")


def drive(app, script, size=(120, 40)):
    async def play():
        async with app.run_test(size=size) as pilot:
            await script(pilot)

    asyncio.run(play())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_keys_of_a_replay(run, size):
    app = ReplayApp(run[0], run[1])

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and "REPLAY playing, event 1 of" in shown(app))
        await pilot.press("space")
        await until(pilot, lambda: "REPLAY paused" in shown(app))
        await pilot.press("+")
        await pilot.press("+")
        await until(pilot, lambda: "speed x4" in shown(app))
        await pilot.press("-")
        await until(pilot, lambda: "speed x2" in shown(app))
        await pilot.press(".")
        await until(pilot, lambda: len(app.seen.view.stages) == 1)
        await pilot.press(">")
        await until(pilot, lambda: app.seen.view.state == "done" and "REPLAY at the end" in shown(app))
        assert app.seen == final(run[2])
        await pilot.press("4")
        await until(pilot, lambda: "All samples: 1 to" in shown(app) and "REPLAY at the end" in shown(app))
        await pilot.press("<")
        await until(pilot, lambda: app.seen == Seen())
        await pilot.press("question_mark")
        await until(pilot, lambda: "replay: next stage" in shown(app) and "sample: accept" not in shown(app))
        await pilot.press("escape")
        await pilot.press("f1")
        await until(pilot, lambda: "in a replay" in shown(app))
        await pilot.press("escape", "q")

    drive(app, script, size)
    assert app.return_code == 0


def test_no_key_of_a_replay_changes_the_project(run):
    """Every action of every screen is pressed; those that change something say why they do not."""
    before = everything(run[0])
    app = ReplayApp(run[0], run[1])
    refused = set()

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.run_id == run[1])
        await pilot.press(">")
        screens = {"2": "run", "3": "patterns", "4": "samples", "5": "compare", "6": "data", "9": "recipes", "1": "home"}
        for key, name in screens.items():
            await pilot.press(key)
            await until(pilot, lambda name=name: getattr(app.screen, "NAME", "") == name)
            if name in ("patterns", "samples", "data"):
                await until(pilot, lambda: app.screen.query_one(DataTable).row_count > 0)
            # What the recipes screen does to recipe files is no change of the project.
            for one in [one for one in actions.ACTIONS if one.screen == name and (name != "recipes" or one.call == "start")]:
                app.clear_notifications()
                await pilot.press(one.key)
                if (name, one.call) in actions.CHANGES:
                    await until(pilot, lambda: any("nothing can be changed" in note.message for note in app._notifications))
                    refused.add((name, one.call))
                await pilot.pause()
                if getattr(app.screen, "NAME", "") != name:
                    await pilot.press("escape", key)
                    await until(pilot, lambda name=name: getattr(app.screen, "NAME", "") == name)
        await pilot.press("q")

    drive(app, script)
    assert refused == actions.CHANGES
    after = everything(run[0])
    assert after == before


@pytest.mark.parametrize("op", ["start", "pause", "stop", "decide", "decide_all", "anything"])
def test_the_host_refuses_changes_of_who_only_looks(run, op):
    door = ReplayDoor(run[0])
    try:
        with pytest.raises(UsageError, match="changes nothing"):
            door.ask(op)
        assert door.status()["active"] is False and len(door.rows("Run")) == 1
    finally:
        door.close()


def test_the_replays_keys_mean_nothing_else_and_are_all_callable():
    taken = {key for one in actions.ACTIONS for key in one.key.split(",")}
    assert not taken & {key for one in actions.REPLAY for key in one.key.split(",")}
    known = {(one.screen, one.call) for one in actions.ACTIONS}
    assert known >= actions.CHANGES
    assert all(hasattr(ReplayApp, f"action_{one.call.partition('(')[0]}") for one in actions.REPLAY)
