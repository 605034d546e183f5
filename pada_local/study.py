"""A study: several recipes, seeds and sizes of the training set, made comparable. What its runs scored is told by `export.study`.

Comparable means: the same fine-tuning, evaluation and teacher settings, and the same number of accepted samples at most. A recipe
keeps what it is named after: what its samples come from, its gate, its rounds.
"""

import msgspec

from pada_local.errors import UsageError
from pada_local.recipe import Patterns, Recipe
from pada_local.records import content_id

SAME = ("train", "evaluate", "teacher")
"""Sections that all recipes of a study take from one of them."""
BASELINES = ("none", "random", "errors", "rephrase")
"""Values of `loop.augment` that make no use of patterns or validation failures."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared. `recipes` are equalised already; a size of 0 is the whole training set."""

    recipes: list[Recipe]
    seeds: list[int]
    sizes: list[float]
    budget: int

    @property
    def id(self) -> str:
        return content_id("study", msgspec.to_builtins(self))


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a study."""

    recipe: Recipe
    size: float
    seed: int


def make_plan(recipes: list[Recipe], like: Recipe, seeds: list[int], sizes: list[float], budget: int = 0) -> Plan:
    """Equalised recipes at a budget of accepted samples per run (of `like`, for 0). Raises UsageError."""
    budget = budget or like.generate.budget * max(1, like.loop.rounds - 1)
    names = [recipe.name for recipe in recipes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"Two recipes of the study are called {twice[0]}.", "", "Give each a name of its own.")
    most = max((recipe.loop.rounds - 1 for recipe in recipes), default=0)
    if budget < max(1, most):
        raise UsageError(f"A budget of {budget} samples is too small for {most} rounds that add samples.")
    if min(sizes, default=0) < 0 or not sizes or not seeds or not recipes:
        raise UsageError("A study needs recipes, seeds and sizes from 0 on.")
    return Plan(
        recipes=[equalised(recipe, like, budget) for recipe in recipes], seeds=list(dict.fromkeys(seeds)),
        sizes=list(dict.fromkeys(map(float, sizes))), budget=budget,
    )  # fmt: skip


def equalised(recipe: Recipe, like: Recipe, budget: int) -> Recipe:
    """The recipe with the sections SAME of `like`, the budget shared out over its rounds, and like's way to show patterns."""
    same = {name: getattr(like, name) for name in SAME}
    defaults = Patterns()
    shown = {
        name: getattr(like.patterns, name)
        for name in Patterns.__struct_fields__
        if name not in ("k", "clustering") and getattr(recipe.patterns, name) == getattr(defaults, name)
    }
    replace = msgspec.structs.replace
    return replace(
        recipe, **same, patterns=replace(recipe.patterns, **shown),
        generate=replace(recipe.generate, budget=budget // max(1, recipe.loop.rounds - 1)),
    )  # fmt: skip


def cells(plan: Plan) -> list[Cell]:
    """Every run, seed by seed, so that a study that was broken off has whole seeds; vanilla's students are shared by the rest."""
    replace = msgspec.structs.replace
    return [
        Cell(recipe=replace(recipe, loop=replace(recipe.loop, train_size=size)), size=size, seed=seed)
        for seed in plan.seeds for size in plan.sizes for recipe in plan.recipes
    ]  # fmt: skip
