"""Recipes by name: those that ship, and the user's own, which are TOML files in the user's data folder."""

import os
import re
from pathlib import Path

import msgspec

from pada_local.errors import PadaError, UsageError
from pada_local.recipe import Recipe, check, load, to_toml
from pada_local.runtime import places

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_BASE = "# base: "


class Known(msgspec.Struct, frozen=True):
    """A recipe that can be named: `recipe` is None where `problem` says why it cannot be used.

    `base` names the recipe from which an own one was made; "" where the file does not say so.
    """

    name: str
    path: Path
    own: bool
    recipe: Recipe | None
    problem: str = ""
    base: str = ""

    @property
    def about(self) -> str:
        """The recipe's sentence for people."""
        return self.recipe.about if self.recipe else ""


def recipe_folders() -> list[Path]:
    """Where recipes are looked for: those that ship with the program first, so that a name means the same for everybody."""
    return [places.recipes_folder(), own_folder()]


def own_folder() -> Path:
    """The folder of the user's own recipes; it may not be there yet."""
    return places.user_folder() / "recipes"


def known() -> list[Known]:
    """Every recipe that can be named, shipped ones first; one that is broken is there with its trouble."""
    found: dict[str, Known] = {}
    for folder in recipe_folders():
        for path in sorted(folder.glob("*.toml")):
            if path.stem not in found:
                found[path.stem] = _read(path, own=folder == own_folder())
    return list(found.values())


def _read(path: Path, own: bool) -> Known:
    try:
        recipe = load(path)
    except PadaError as error:
        return Known(path.stem, path, own, None, f"cannot be used: {error.detail}")
    first = path.read_text(encoding="utf-8").partition("\n")[0] if own else ""
    return Known(path.stem, path, own, recipe, base=first.removeprefix(_BASE).strip() if first.startswith(_BASE) else "")


def find_recipe(name: str) -> Recipe:
    """A recipe by name (shipped, or the user's own) or by the path of a TOML file. Raises UsageError."""
    if name.endswith(".toml") or os.sep in name:
        return load(Path(name))
    for folder in recipe_folders():
        if (folder / f"{name}.toml").is_file():
            return load(folder / f"{name}.toml")
    names = ", ".join(sorted(path.stem for folder in recipe_folders() for path in folder.glob("*.toml")))
    raise UsageError(
        f"There is no recipe '{name}'.", f"Known recipes: {names or 'none'}.", "See 'pada recipes list', or give a path."
    )


def name_problem(name: str) -> str:
    """Why an own recipe cannot have this name, as a sentence; "" when it can."""
    if not NAME.fullmatch(name):
        return "A name is made of lower-case letters, digits, - . and _, and begins with a letter or a digit."
    if name.endswith(".toml"):
        return "The name goes without .toml: a word that ends so is read as a path."
    if (places.recipes_folder() / f"{name}.toml").exists():
        return f"A recipe '{name}' ships with the program, and a name means the same for everybody."
    return ""


def save_own(recipe: Recipe, name: str, base: str = "", replace: bool = False) -> Known:
    """Keep a recipe as an own one under this name. Raises UsageError: bad name or values, or taken while not `replace`."""
    if problem := name_problem(name) or "; ".join(check(recipe)):
        raise UsageError("The recipe cannot be saved.", problem, "Change it, and save again.")
    file = own_folder() / f"{name}.toml"
    if file.exists() and not replace:
        raise UsageError(f"You have a recipe '{name}' already.", str(file), "Choose another name.")
    recipe = msgspec.structs.replace(recipe, name=name)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text((f"{_BASE}{base}\n" if base else "") + to_toml(recipe), encoding="utf-8")
    os.replace(draft, file)
    return Known(name, file, True, recipe, base=base)


def remove_own(name: str) -> Path:
    """Delete an own recipe. Raises UsageError for a name that is none of the user's; a shipped one stays."""
    file = own_folder() / f"{name}.toml"
    if not NAME.fullmatch(name) or not file.is_file():
        raise UsageError(f"You have no recipe '{name}'.", "Recipes that ship are not deleted.", "See 'pada recipes list'.")
    file.unlink()
    return file
