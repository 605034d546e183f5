"""What has to be chosen before a run starts: a recipe, and a seed that was not used with it yet."""

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from pada_local.errors import PadaError
from pada_local.recipe import Recipe
from pada_local.session import find_recipe, recipe_folders
from tui.screens.dialogs import Question


def usable_recipes() -> list[Recipe]:
    """Every recipe that can be named and read, `pada` first."""
    found: dict[str, Recipe] = {}
    for folder in recipe_folders():
        for path in sorted(folder.glob("*.toml")):
            try:
                found.setdefault(path.stem, find_recipe(str(path)))
            except PadaError:
                continue  # the recipes screen shows what is wrong with it
    return [found[name] for name in sorted(found, key=lambda name: (name != "pada", name))]


def choose_recipe(screen: Screen[Any], then: Callable[[Recipe], None]) -> None:
    """Ask which recipe; nothing happens when none is chosen."""
    recipes = usable_recipes()

    def chosen(at: str | None) -> None:
        if at:
            then(recipes[int(at)])

    answers = [(str(at), f"{recipe.name}: {recipe.about}") for at, recipe in enumerate(recipes)]
    screen.app.push_screen(Question("Which recipe?", answers), chosen)


def next_seed(runs: list[dict[str, Any]], recipe: Recipe) -> str:
    """The smallest seed with which this recipe has no finished run: the same recipe and seed are the same run."""
    used = {run["seed"] for run in runs if run["recipe_id"] == recipe.id and run["state"] == "done"}
    return str(next(seed for seed in range(1, len(used) + 2) if seed not in used))
