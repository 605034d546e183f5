"""Screens by name, each loaded when it is first shown: all of them together are a quarter of the app's start."""

from collections import UserDict
from importlib import import_module

from textual.screen import Screen

from tui import actions


class Screens(UserDict[str, type[Screen]]):
    """Name to class; a class is imported when it is asked for, and named before that as module:Class."""

    def __getitem__(self, name: str) -> type[Screen]:
        found = super().__getitem__(name)
        if isinstance(found, str):
            module, _, of = found.partition(":")
            found = self.data[name] = getattr(import_module(f"tui.screens.{module}"), of)
        return found


SCREENS = Screens({
    actions.HOME: "home:HomeScreen", actions.RUN: "run:RunScreen", actions.PATTERNS: "patterns:PatternsScreen",
    actions.SAMPLES: "samples:SamplesScreen", actions.COMPARE: "compare:CompareScreen", actions.DATA: "data:DataScreen",
    actions.PLAYGROUND: "playground:PlaygroundScreen", actions.MODELS: "models:ModelsScreen",
    actions.RECIPES: "recipes:RecipesScreen", actions.WIZARD: "wizard.screen:WizardScreen",
})  # fmt: skip
