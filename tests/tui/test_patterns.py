"""Reading patterns and deciding about strategies, by keys, on a run that waits."""

from textual.widgets import DataTable, TextArea

from pada_local.session import Session
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens.dialogs import Question


def test_a_strategy_is_rewritten_another_merged_into_it_and_taken_back(waiting_for_strategies):
    app = PadaApp(waiting_for_strategies)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "patterns", "3")
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count == 2 and "Write items of kind" in shown(app))
        await until(pilot, lambda: "rate 100%" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: bool(app.screen.query(TextArea)))
        await pilot.press(*" Be brief.", "ctrl+s")
        await until(pilot, lambda: "(rewritten)" in shown(app))
        await pilot.press("down", "m")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: "excluded" in shown(app))
        await until(pilot, lambda: app.screen.query_one(DataTable).cursor_row == 1)
        await pilot.press("u")
        await until(pilot, lambda: "excluded" not in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: any("Confirmed" in note.message for note in app._notifications))

    drive(app, script)
    with Session.open(waiting_for_strategies) as session:
        rows = session.ask("rows", kind="Strategy")
        actions = [row["action"] for row in session.ask("rows", kind="Decision")]
    assert any(row["edited"].endswith("Be brief.") for row in rows) and all(row["state"] == "ok" for row in rows)
    assert actions == ["rewrite", "merge", "undo", "confirm"]
