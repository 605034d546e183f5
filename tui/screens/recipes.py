"""Recipes: every setting of each, with its meaning beside it."""

from typing import Any

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from pada_local.errors import PadaError
from pada_local.recipe import Recipe, field_help
from pada_local.runtime.recipes import find_recipe, recipe_folders
from tui import actions
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.table import Table


class RecipesScreen(ProjectScreen):
    """What a run can be told to do."""

    NAME = actions.RECIPES
    BINDINGS = actions.bindings(actions.RECIPES)
    EXPLAINED = (
        "A recipe is a small text file that says how a run goes: how the student is trained, how patterns are found, how many "
        "samples are written, what the gate asks of them. Copy one, change it, and name its path in 'pada run --recipe'."
    )

    def body(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Table(id="recipes")
            with VerticalScroll(id="right", classes="pane"):
                yield Static(id="fields")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("recipe", "what it does")
        self._paths = sorted(path for folder in recipe_folders() for path in folder.glob("*.toml"))
        self._recipes: dict[int, Any] = {}
        for number, path in enumerate(self._paths):
            try:
                self._recipes[number] = find_recipe(str(path))
                table.add_row(line(path.stem, 24), line(self._recipes[number].about, 80))
            except PadaError as error:
                table.add_row(line(path.stem, 24), line(f"✗ cannot be used: {error.detail}", 80))
        table.focus()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        recipe = self._recipes.get(event.cursor_row)
        self.query_one("#fields", Static).update(_fields(recipe) if recipe else "")


def _fields(recipe: Recipe) -> Text:
    text = Text.assemble(block(recipe.about), "\n")
    for field in msgspec.structs.fields(Recipe):
        section = getattr(recipe, field.name)
        if isinstance(section, msgspec.Struct):
            text.append(f"\n[{field.name}]\n", "bold")
            for name, meaning in field_help(type(section)).items():
                text.append(block(f"{name} = {getattr(section, name)}", "bold")).append(block(f"\n  {meaning}\n"))
    return text
