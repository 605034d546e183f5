"""Step: what the first run does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from pada_local.errors import PadaError
from pada_local.recipe import Recipe, field_help
from pada_local.session import find_recipe, recipe_folders
from tui.plain import block
from tui.screens.wizard.fields import choice
from tui.screens.wizard.step import Step

TOLD = (("loop", "rounds"), ("loop", "augment"), ("train", "steps"), ("train", "lora_rank"), ("train", "learning_rate"),
        ("train", "max_length"), ("generate", "budget"), ("review", "strategies"), ("review", "samples"))  # fmt: skip
"""Settings that a person may want to know before the first run; the recipes' screen shows all."""


class RecipeStep(Step):
    """The recipes, with what they do."""

    NAME, TITLE = "recipe", "What shall the first run do?"
    EXPLAINED = (
        "A recipe says how a run goes. 'pada' is the whole loop: fine-tune, find patterns in the failures, write samples for "
        "them, fine-tune again. 'vanilla' fine-tunes once on your examples alone: run it too, to have something to compare with. "
        "Those that begin with demo- are made for the built-in models.\n\n"
        "A project can have any number of runs, each with its own recipe: this is only the first one. Screen 9 shows every "
        "setting; copy a recipe and change it to make your own."
    )

    def compose(self) -> ComposeResult:
        yield OptionList(id="choices", classes="choices")
        with VerticalScroll(classes="pane"):
            yield Static(id="recipe")

    def on_mount(self) -> None:
        paths = {path.stem: path for folder in reversed(recipe_folders()) for path in sorted(folder.glob("*.toml"))}
        self._names = sorted(paths, key=lambda name: (name not in ("pada", "vanilla"), name))
        self._found = {name: _read(paths[name]) for name in self._names}
        choices = self.query_one("#choices", OptionList)
        choices.add_options([Option(choice(name, _about(self._found[name]))) for name in self._names])
        choices.highlighted = self._names.index(self.draft.recipe) if self.draft.recipe in self._names else 0

    def question(self) -> Callable[[], Any]:
        name = self.draft.recipe
        return lambda: find_recipe(name)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        name = self._names[event.option_index]
        found = self._found[name]
        self.query_one("#recipe", Static).update(explained(found) if isinstance(found, Recipe) else block(found))
        if name != self.draft.recipe:
            self.wizard.keep(recipe=name)
            self.changed()

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        self.go()


def _read(path: Path) -> Recipe | str:
    try:
        return find_recipe(str(path))
    except PadaError as error:
        return f"✗ cannot be used: {error.detail}"


def _about(found: Recipe | str) -> str:
    return found.about if isinstance(found, Recipe) else found


def explained(recipe: Recipe) -> Text:
    """What the recipe is for, and the settings that matter first."""
    text = Text.assemble(block(recipe.about), "\n")
    for section, name in TOLD:
        values = getattr(recipe, section)
        text.append(block(f"\n{section}.{name} = {getattr(values, name)}", "bold"))
        text.append(block(f"\n  {field_help(type(values))[name]}"))
    return text
