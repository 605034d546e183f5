"""The jump overlay, F1 for the panel that has the keyboard, and the palette that does everything a key does."""

from textual.command import CommandPalette
from textual.widgets import DataTable, OptionList, TextArea

from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui import actions, panels, reasons
from tui.app import SCREENS, Commands, PadaApp
from tui.screens.dialogs import Page, Question
from tui.screens.jump import Jump, panels_of

NUMBERS = {action.call.split("'")[1]: action.key for action in actions.ACTIONS if action.call.startswith("go(")}


def test_each_panel_of_each_screen_is_one_letter_away_and_explained(finished):
    app = PadaApp(finished)
    reached = set()

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        for name in panels.PANELS:
            await at(pilot, name, NUMBERS[name])
            screen = app.screen
            await until(pilot, lambda screen=screen: screen.is_mounted and bool(panels_of(screen.focus_chain)))
            for number, panel in enumerate(panels_of(screen.focus_chain)):
                await pilot.press("g")
                await until(pilot, lambda: isinstance(app.screen, Jump) and app.screen.is_mounted)
                told = panels.name_of(screen, panel)
                await until(pilot, lambda told=told: told in shown(app) and "8 models" in shown(app))
                await pilot.press(app.screen.letters[number])
                await until(pilot, lambda screen=screen, panel=panel: app.screen is screen and panel.has_focus)
                await pilot.press("f1")
                await until(pilot, lambda told=told: isinstance(app.screen, Page) and f"panel shows: {told}" in shown(app))
                await pilot.press("escape")
                await until(pilot, lambda screen=screen: app.screen is screen)
                reached.add((name, told))
                if isinstance(panel, TextArea):
                    await pilot.press("escape")
                    await until(pilot, lambda panel=panel: not panel.has_focus)

    drive(app, script, (80, 24))
    hidden = {("recipes", "the new value"), ("run", "the scores")}  # a line that opens with e; a plot as high as its rounds
    rows = {(screen, name) for screen, found in panels.PANELS.items() for name, _ in found.values() if screen in SCREENS}
    assert rows - hidden <= reached <= rows


def test_a_number_goes_to_a_screen_and_any_other_key_stays(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, Jump))
        await pilot.press("9")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "recipes")
        for key in ("escape", "g", "Z", "f5"):
            await pilot.press("g")
            await until(pilot, lambda: isinstance(app.screen, Jump))
            await pilot.press(key)
            await until(pilot, lambda: getattr(app.screen, "NAME", "") == "recipes")

    drive(app, script)


def test_every_panel_has_a_name_and_a_text_for_beginners():
    for screen, found in panels.PANELS.items():
        assert screen in SCREENS, screen
        assert len({name for name, _ in found.values()}) == len(found)
        assert all(len(text) > 40 and text.endswith((".", ")")) for _, text in found.values())
    numbered = SCREENS.keys() - {actions.WIZARD}  # a form, whose fields say beside themselves what they are for
    assert panels.PANELS.keys() == numbered and all(screen.EXPLAINED for screen in SCREENS.values())


def test_the_palette_does_what_a_key_does_and_says_why_it_cannot(finished):
    app = PadaApp(finished)

    async def chosen(pilot, text: str) -> None:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*text)
        found = app.screen.query_one(OptionList)
        await until(pilot, lambda: found.option_count == 1 and text in str(found.get_option_at_index(0).prompt))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        await chosen(pilot, "run: pause")
        await until(pilot, lambda: any("Nothing is running" in note.message for note in app._notifications))
        await at(pilot, "samples", "4")
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count > 3)
        await chosen(pilot, "samples: sift")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "samples")
        await chosen(pilot, "go: models")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models")

    drive(app, script)


def test_reasons_name_actions_that_are_there():
    assert reasons.NEEDS.keys() <= {action.name for action in actions.ACTIONS}
    assert set(reasons.WITHOUT_PROJECT) <= SCREENS.keys()


def test_palette_and_keys_page_have_every_action_of_every_screen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = PadaApp()

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "home")
        for name in panels.PANELS:
            app.switch_screen(name)
            await until(pilot, lambda name=name: name == app.screen.NAME and app.screen.is_mounted)
            hits = [str(hit.display) async for hit in Commands(app.screen).discover()]
            assert sorted(hits) == sorted(action.name for action in actions.of_screen(name))
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, Page))
            text = app.screen._text
            assert all(action.name in text and action.help in text for action in actions.of_screen(name))
            assert "shift+tab" in text and "enter" in text
            await pilot.press("escape")
            await until(pilot, lambda name=name: getattr(app.screen, "NAME", "") == name)

    drive(app, script)
