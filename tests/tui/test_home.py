"""Home: what was used last, what is gone or locked, what the doctor says and what helps."""

import shutil

import pytest
from textual.widgets import DataTable, Input

from pada_local.runtime import catalog, doctor, places, recent
from pada_local.session import Session, create_project
from tests.tui.conftest import shown, until
from tests.tui.test_app import drive
from tui.app import PadaApp
from tui.screens.dialogs import Page
from tui.screens.home import project_files, result_words


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The app is started in an empty folder, so that only the list is shown."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_files_used_last_are_listed_with_their_result(finished_file, elsewhere, size):
    shutil.copy(finished_file, elsewhere / "notes.duckdb")
    with Session.open(elsewhere / "notes.duckdb"):
        pass
    recent.remember(elsewhere / "gone.duckdb")
    (elsewhere / "[bold]\x1b[31m.duckdb").write_text("no project")
    recent.remember(elsewhere / "[bold]\x1b[31m.duckdb")
    create_project(elsewhere / "new.duckdb", {}, [])
    app = PadaApp()

    async def script(pilot):
        table = app.screen.query_one("#projects", DataTable)
        await until(pilot, lambda: table.row_count == 4)
        for told in ("no run yet", "✗ gone: no file there", "✗ ", "test 1.00 [1.00, 1.00], test, 2 rounds", "[bold]\\u001b[31m"):
            await until(pilot, lambda told=told: told in shown(app))
        assert "\x1b" not in shown(app)
        await pilot.press("down", "down")
        assert "gone" in str(table.get_row_at(table.cursor_row)[0])
        await pilot.press("d")
        await until(pilot, lambda: table.row_count == 3 and "gone.duckdb" not in shown(app))

    drive(app, script, size)
    assert "gone" not in [one.name for one in recent.entries()]


def test_a_file_of_this_folder_cannot_be_forgotten_and_a_dead_link_is_no_crash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dead.duckdb").symlink_to(tmp_path / "nothing.duckdb")
    assert [path.name for path in project_files()] == ["nothing.duckdb"]
    app = PadaApp()

    async def script(pilot):
        await until(pilot, lambda: "✗ gone" in shown(app))
        await pilot.press("d")
        await until(pilot, lambda: any("nothing to forget" in note.message for note in app._notifications))

    drive(app, script)


def test_a_finding_is_mended_or_its_command_is_shown(elsewhere, monkeypatch):
    found = [doctor.Finding("disk here", "note", "3 MiB free", "Make room."), *doctor._models()]
    monkeypatch.setattr(doctor, "examine", lambda: found)
    app = PadaApp()

    async def script(pilot):
        table = app.screen.query_one("#doctor", DataTable)
        await until(pilot, lambda: table.row_count == len(found))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, Page) and "Make room." in shown(app))
        await pilot.press("escape", "down")
        await until(pilot, lambda: "Enter: add model" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.screen.query(Input)))
        app.screen.query_one(Input).value = str(places.models_folder() / "demo-teacher" / "demo-teacher-f16.gguf")
        await pilot.press("enter")
        await until(pilot, lambda: any("fits" in note.message for note in app._notifications))

    drive(app, script)
    assert "demo-teacher-f16" in catalog.load_catalog()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (None, "no run yet"),
        ({"best": None, "rounds": 1, "state": "paused"}, "pada, 1 round (paused): no score yet"),
        ({"vanilla": 0.5}, "test 0.50 -> 0.75 [0.60, 0.90], pada, 2 rounds, 2026-01-02"),
        ({"split": "validation", "state": "failed"}, "validation 0.75 [0.60, 0.90], pada, 2 rounds (failed), 2026-01-02"),
    ],
)  # fmt: skip
def test_a_result_in_words(last, said):
    facts = {"recipe": "pada", "state": "done", "rounds": 2, "when": "2026-01-02T03:04:05", "split": "test", "vanilla": None,
             "best": {"mean": 0.75, "low": 0.6, "high": 0.9}}  # fmt: skip
    assert result_words(None if last is None else facts | last) == said
