"""Own recipes: saved in the user's folder, found by name like shipped ones, never in the place of one."""

import json

import msgspec
import pytest

from pada_local.errors import UsageError
from pada_local.recipe import Recipe, Train
from pada_local.runtime import places
from pada_local.runtime.recipes import find_recipe, known, name_problem, own_folder, remove_own, save_own
from tests.cli.conftest import pada


def test_a_copy_is_found_by_name_everywhere_and_can_be_deleted():
    changed = msgspec.structs.replace(find_recipe("pada"), train=Train(steps=7))
    saved = save_own(changed, "mine", base="pada")
    assert find_recipe("mine").train.steps == 7 and find_recipe("mine").name == "mine"
    assert saved == next(one for one in known() if one.own) and (saved.base, saved.own) == ("pada", True)
    rows = {row["name"]: row for row in json.loads(pada("recipes", "list", "--json").stdout)}
    assert rows["mine"]["own"] and not rows["pada"]["own"] and rows["mine"]["path"] == str(saved.path)
    assert pada("recipes", "check", "mine").returncode == 0
    assert remove_own("mine") == saved.path and not saved.path.exists()
    with pytest.raises(UsageError):
        find_recipe("mine")


def test_a_shipped_recipe_is_neither_overwritten_nor_deleted():
    before = (places.recipes_folder() / "pada.toml").read_bytes()
    for replace in (False, True):
        with pytest.raises(UsageError, match="ships"):
            save_own(Recipe(name="x"), "pada", replace=replace)
    with pytest.raises(UsageError, match="no recipe"):
        remove_own("pada")
    assert (places.recipes_folder() / "pada.toml").read_bytes() == before and not own_folder().exists()


@pytest.mark.parametrize("name", ["", "Mine", "a b", "../x", "x/y", ".x", "a" * 65, "x.toml", "ä"])
def test_a_bad_name_is_refused_with_a_sentence(name):
    assert name_problem(name).endswith(".")
    with pytest.raises(UsageError):
        save_own(Recipe(name="x"), name)
    with pytest.raises(UsageError):
        remove_own(name)
    assert not own_folder().exists()


def test_an_own_recipe_is_replaced_only_when_that_is_meant():
    save_own(Recipe(name="x"), "mine")
    with pytest.raises(UsageError, match="already"):
        save_own(Recipe(name="x", train=Train(steps=3)), "mine")
    save_own(Recipe(name="x", train=Train(steps=3)), "mine", replace=True)
    assert find_recipe("mine").train.steps == 3


def test_values_that_break_a_rule_are_not_saved():
    with pytest.raises(UsageError, match="train.steps"):
        save_own(Recipe(name="x", train=Train(steps=0)), "mine")


def test_a_broken_own_recipe_is_listed_with_its_trouble():
    own_folder().mkdir()
    (own_folder() / "odd.toml").write_text('name = "odd"\n[train]\nstpes = 3\n')
    [odd] = [one for one in known() if one.own]
    assert odd.recipe is None and "stpes" in odd.problem
