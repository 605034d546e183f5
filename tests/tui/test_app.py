"""The app driven by its keys, on real project files through a real host."""

import asyncio
import subprocess
import sys

import msgspec
import pytest
from textual.widgets import DataTable, Input

from pada_local.session import Session
from tests.tui.conftest import shown, until
from tui import actions
from tui.app import SCREENS, PadaApp
from tui.screens.dialogs import Question

SIZES = [(80, 24), (120, 40)]


def drive(app, script, size=(120, 40)):
    """Run the app without a terminal and play a script on it."""

    async def play():
        async with app.run_test(size=size) as pilot:
            await script(pilot)

    asyncio.run(play())


async def at(pilot, name: str, key: str) -> None:
    await until(pilot, lambda: pilot.app.screen.is_mounted)
    await pilot.press(key)
    await until(pilot, lambda: getattr(pilot.app.screen, "NAME", "") == name)


@pytest.mark.parametrize("size", SIZES)
def test_home_lists_project_files_and_enter_opens_one(finished, size):
    app = PadaApp()

    async def script(pilot):
        table = app.screen.query_one("#projects", DataTable)
        await until(pilot, lambda: table.row_count == 1)
        await until(pilot, lambda: "notes.duckdb" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.NAME == "run")
        await until(pilot, lambda: "done" in shown(app) and app.seen.view.state == "done")

    drive(app, script, size)


def test_a_long_headline_of_a_run_is_shown_whole_at_80_columns(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.seen.view.state == "done" and "run done" in shown(app))
        long = msgspec.structs.replace(app.seen.view, message=f"{'It ended for a reason of many words. ' * 3}That was all.")
        app.seen = msgspec.structs.replace(app.seen, view=long)
        app.screen.show_seen(app.seen)
        await until(pilot, lambda: "That was all. " in " ".join(shown(app).split()) and "training loss" in shown(app))

    drive(app, script, (80, 24))


@pytest.mark.parametrize("name", ["home", "run", "samples"])
def test_leaving_while_a_screen_is_being_put_together_breaks_nothing(finished, name):
    for turns in (0, 3, 8):
        app = PadaApp(finished)

        async def script(pilot, app=app, turns=turns):
            app.action_go(name)
            for _ in range(turns):
                await asyncio.sleep(0)
            app.exit(0)

        drive(app, script)
        assert app.return_code == 0 and app._exception is None


def test_a_screen_needs_a_project_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = PadaApp()

    async def script(pilot):
        await pilot.press("4")
        await until(pilot, lambda: any("Open a project" in note.message for note in app._notifications))
        assert app.screen.NAME == "home"
        await at(pilot, "recipes", "9")
        await until(pilot, lambda: "lora_rank" in shown(app) or "rounds = " in shown(app))

    drive(app, script)


def test_a_file_that_is_none_is_a_notice_and_the_app_stays(tmp_path):
    (tmp_path / "x.duckdb").write_text("no database")
    app = PadaApp(tmp_path / "x.duckdb")

    async def script(pilot):
        await until(pilot, lambda: any("not a project file" in note.message for note in app._notifications))
        assert app.screen.NAME == "home" and app.door is None

    drive(app, script)


@pytest.mark.parametrize("size", SIZES)
def test_run_patterns_samples_compare_and_data_show_the_file(finished, size):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        stages = app.screen.query_one("#stages", DataTable)
        assert stages.row_count == len(app.seen.view.stages) > 8
        await until(pilot, lambda: "vanilla 0.667" in shown(app) and "├" in shown(app) and "test 1.000" in shown(app))
        await at(pilot, "patterns", "3")
        await until(pilot, lambda: "Write items of kind" in shown(app))
        if size[0] > 100:
            await until(pilot, lambda: "expected" in shown(app) and "predicted unsure" in shown(app))
        await at(pilot, "samples", "4")
        await until(pilot, lambda: "All samples: 1 to" in shown(app) and "checks" in shown(app))
        assert len(app.screen.query_one(DataTable).columns) == len(SCREENS["samples"].COLUMNS)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Accepted samples: 1 to" in shown(app))
        await at(pilot, "data", "6")
        await until(pilot, lambda: "Training and validation examples" in shown(app))
        assert "test" not in {row["split"] for row in app.screen.rows}
        assert len(app.screen.query_one(DataTable).columns) == len(SCREENS["data"].COLUMNS)
        await at(pilot, "compare", "5")
        await until(pilot, lambda: "kind" in shown(app) or "No run has a test score" in shown(app) or "1.000" in shown(app))

    drive(app, script, size)


def test_twenty_samples_are_reviewed_with_one_key_each_and_taken_back(waiting):
    app = PadaApp(waiting)
    decided = {}

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "samples", "4")
        await until(pilot, lambda: len(getattr(app.screen, "rows", [])) >= 20)
        table = app.screen.query_one(DataTable)
        for number in range(20):
            await until(pilot, lambda number=number: table.cursor_row == number)
            decided[app.screen.marked["id"]] = "rejected" if number % 4 == 3 else "accepted"
            if number % 4 == 3:
                await pilot.press("r")
                await until(pilot, lambda: bool(app.screen.query(Input)))
                await pilot.press("n", "o", "enter")
            else:
                await pilot.press("a")
        await until(pilot, lambda: table.cursor_row == 20)
        for _ in range(17):
            await pilot.press("up")
        sample = app.screen.marked["id"]
        await pilot.press("u")
        await until(pilot, lambda: app.screen.rows[3]["state"] == "accepted")
        decided[sample] = "accepted"
        await pilot.press("slash")
        await until(pilot, lambda: bool(app.screen.query(Input)))
        await pilot.press(*"kind4", "enter")
        await until(pilot, lambda: 'with "kind4"' in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: any("Confirmed" in note.message for note in app._notifications))

    drive(app, script)
    with Session.open(waiting) as session:  # the host leaves a moment after its last viewer
        states = {row["id"]: row["state"] for row in session.ask("rows", kind="Candidate")}
    assert {key: states[key] for key in decided} == decided and "rejected" in decided.values()


def test_leaving_during_a_run_asks(finished, monkeypatch):
    app = PadaApp(finished)
    asked = []

    async def script(pilot):
        from pada_local.events import RunStarted

        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        monkeypatch.setattr(app, "_end_run", lambda how: asked.append(how))
        app.feed.fold(RunStarted(run_id="r", recipe="pada", seed=1, rounds=1, resumed=False))
        await until(pilot, lambda: app.seen.view.state == "running")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert app.is_running and not asked
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: asked == ["pause"])

    drive(app, script)


def test_help_keys_palette_and_themes(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await pilot.press("f1")
        await until(pilot, lambda: "The loss is how surprised" in shown(app))
        await pilot.press("escape")
        await pilot.press("question_mark")
        await until(pilot, lambda: "run: pause" in shown(app) and "go: samples" in shown(app))
        await pilot.press("escape")
        before = app.theme
        names = set()
        for _ in range(3):
            await pilot.press("f2")
            names.add(app.theme)
        assert app.theme == before and names == {"pada-dark", "pada-light", "pada-contrast"}
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "CommandPalette" in type(app.screen).__name__)
        await pilot.press(*"go: samples")
        await until(pilot, lambda: "go: samples" in shown(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "samples")

    drive(app, script)


@pytest.mark.parametrize("action", actions.ACTIONS, ids=lambda one: f"{one.screen or 'app'}-{one.key}")
def test_every_action_can_be_called(action):
    owner = SCREENS[action.screen] if action.screen else PadaApp
    assert callable(getattr(owner, f"action_{action.call.partition('(')[0]}"))
    same = [one for one in actions.ACTIONS if one.key == action.key and one.screen in ("", action.screen)]
    assert len(same) == 1, "one key, one meaning"


def test_the_app_loads_neither_models_nor_the_database():
    code = "import sys, tui.app; print(sorted({'torch','transformers','duckdb','sklearn','numpy','datasets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
