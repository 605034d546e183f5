"""The recipes screen by its keys: every field with its meaning, checked while one types, kept as a copy, deleted, run."""

import pytest
from textual.widgets import DataTable, Input

from pada_local.errors import UsageError
from pada_local.recipe import Recipe, field_help, values
from pada_local.runtime.recipes import find_recipe, known, own_folder, save_own
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.drafts import DEFAULTS, FIELDS, SECTIONS, as_text, draft_of, meaning, typed, with_value, wrong_with
from tui.screens.dialogs import Question
from tui.screens.recipes import ROWS, seed_problem
from tui.screens.typed import Checked


async def field(pilot, name: str) -> None:
    """Put the cursor on a field by the arrow keys."""
    table = pilot.app.screen.query_one("#fields", DataTable)
    table.focus()
    while table.cursor_row != ROWS.index(name):
        before = table.cursor_row
        await pilot.press("down" if before < ROWS.index(name) else "up")
        await until(pilot, lambda before=before: table.cursor_row != before)


async def recipe(pilot, name: str) -> None:
    """Mark a recipe and go on to its fields."""
    screen = pilot.app.screen
    table = screen.query_one("#recipes", DataTable)
    await until(pilot, lambda: name in [one.name for one in screen._known])
    table.focus()
    table.move_cursor(row=[one.name for one in screen._known].index(name))
    await until(pilot, lambda: screen._marked().name == name)
    await pilot.press("enter")
    await until(pilot, lambda: screen.query_one("#fields", DataTable).has_focus)


async def give(pilot, text: str) -> None:
    """Open the marked field and type another value."""
    screen = pilot.app.screen
    await pilot.press("enter")
    await until(pilot, lambda: screen.query_one("#edit", Input).has_focus)
    screen.query_one("#edit", Input).value = ""
    await pilot.press(*text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_field_is_changed_checked_while_typing_and_kept_as_a_copy(size, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = PadaApp()

    async def script(pilot):
        await at(pilot, "recipes", "9")
        await recipe(pilot, "pada")
        await field(pilot, "loop.rounds")
        await until(pilot, lambda: meaning("loop.rounds")[:20] in shown(app))
        await give(pilot, "many")
        await until(pilot, lambda: "✗ loop.rounds is a whole number" in shown(app))
        await pilot.press("enter")
        assert app.screen.query_one("#edit", Input).has_focus and not app.screen.draft.changed
        app.screen.query_one("#edit", Input).value = ""
        await pilot.press("7")
        await until(pilot, lambda: "✓ Enter takes it" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.draft.now.loop.rounds == 7)
        await until(pilot, lambda: "pada *" in shown(app) and "1 field differs from pada" in shown(app))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Checked) and app.screen.query_one(Input).value == "my-pada")
        app.screen.query_one(Input).value = "pada"
        await until(pilot, lambda: "ships with the program" in " ".join(shown(app).split()))
        app.screen.query_one(Input).value = "longer"
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "recipes" and app.screen._marked().name == "longer")
        await until(pilot, lambda: "yours" in shown(app) and "pada *" not in shown(app))
        assert find_recipe("longer").loop.rounds == 7 and find_recipe("pada").loop.rounds != 7
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "longer" not in [one.name for one in getattr(app.screen, "_known", [])])

    drive(app, script, size)
    assert not list(own_folder().glob("*.toml"))


def test_default_base_and_undo_each_bring_their_value_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = find_recipe("pada")
    save_own(with_value(with_value(base, "train.lora_rank", 5), "train.steps", 77), "mine", base="pada")
    app = PadaApp()

    async def script(pilot):
        await at(pilot, "recipes", "9")
        await recipe(pilot, "mine")
        await until(pilot, lambda: "2 fields differ from pada" in shown(app))
        await field(pilot, "train.lora_rank")
        await until(pilot, lambda: f"{base.train.lora_rank} in pada" in " ".join(shown(app).split()))
        await pilot.press("b")
        await until(pilot, lambda: app.screen.draft.now.train.lora_rank == base.train.lora_rank)
        await pilot.press("r")
        await until(pilot, lambda: app.screen.draft.now.train.lora_rank == DEFAULTS["train.lora_rank"])
        await pilot.press("u")
        await until(pilot, lambda: app.screen.draft.now.train.lora_rank == 5 and not app.screen.draft.changed)
        await field(pilot, "train")
        await pilot.press("enter")
        await until(pilot, lambda: any("A section is marked" in note.message for note in app._notifications))

    drive(app, script)


def test_a_recipe_that_breaks_a_rule_is_not_saved_and_a_broken_file_is_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_folder().mkdir()
    (own_folder() / "broken.toml").write_text("rounds = [", encoding="utf-8")
    app = PadaApp()

    async def script(pilot):
        await at(pilot, "recipes", "9")
        await recipe(pilot, "broken")
        await until(pilot, lambda: "✗ broken" in shown(app) and "cannot be used" in shown(app))
        await pilot.press("s")
        await until(pilot, lambda: any("cannot be used" in note.message for note in app._notifications))
        await recipe(pilot, "pada")
        await field(pilot, "generate.share_pattern")
        await give(pilot, "0.9")
        await until(pilot, lambda: "✗" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.draft.problems != [])
        await pilot.press("s")
        await until(pilot, lambda: any("It breaks a rule" in note.message for note in app._notifications))
        assert getattr(app.screen, "NAME", "") == "recipes"
        await pilot.press("w")
        await until(pilot, lambda: any("Open a project" in note.message for note in app._notifications))

    drive(app, script)


def test_a_run_starts_with_the_marked_recipe_and_a_seed(finished, monkeypatch):
    app = PadaApp(finished)
    asked = []

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        await at(pilot, "recipes", "9")
        await recipe(pilot, "vanilla")
        real = app.door.ask
        monkeypatch.setattr(
            app.door, "ask", lambda op, **words: asked.append((op, words)) if op == "start" else real(op, **words)
        )
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, Checked) and app.screen.query_one(Input).value == "1")
        app.screen.query_one(Input).value = "x"
        await until(pilot, lambda: "A seed is a whole number" in shown(app))
        app.screen.query_one(Input).value = "4"
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "run")

    drive(app, script)
    assert [(op, words["recipe"]["name"], words["seed"]) for op, words in asked] == [("start", "vanilla", 4)]


def test_every_field_is_a_line_and_has_a_meaning():
    assert set(FIELDS) == {name for name, _ in values(Recipe(name=""))} - {"name"}
    assert set(ROWS) == {*FIELDS, *SECTIONS} and all(len(meaning(name)) > 10 for name in ROWS)
    assert meaning("about") == field_help(Recipe)["about"]


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_as_text_is_the_same_value_again(name):
    assert typed(name, as_text(DEFAULTS[name])) == DEFAULTS[name]
    assert wrong_with(Recipe(name=""), name, as_text(DEFAULTS[name])) == ""


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("loop.rounds", "2.5", "a whole number"),
        ("loop.rollback", "yes", "true or false"),
        ("train.learning_rate", "x", "a number"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_a_sentence(name, text, kind):
    with pytest.raises(UsageError, match=f"{name} is {kind}"):
        typed(name, text)
    assert kind in wrong_with(Recipe(name=""), name, text)


def test_the_base_of_a_draft_is_what_it_was_made_from():
    mine = save_own(with_value(find_recipe("vanilla"), "train.steps", 7), "mine", base="vanilla")
    draft = draft_of(mine, known())
    assert draft.base_name == "vanilla" and [name for name in FIELDS if draft.differs(name)] == ["train.steps"]
    assert draft_of(mine, [mine]).base_name == "mine"


def test_a_seed_is_a_whole_number():
    assert seed_problem("17") == "" and all(seed_problem(text) for text in ("", "-1", "1.5", "²", "9" * 30))
