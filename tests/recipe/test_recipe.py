"""Recipes: every field explained, unknown keys and bad values refused with a sentence, every shipped file sound and short."""

from pathlib import Path

import msgspec
import pytest

from pada_local.errors import UsageError
from pada_local.recipe import Recipe, Section, check, field_help, load, parse

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SECTIONS = sorted(Section.__subclasses__(), key=lambda section: section.__name__)
INNER = {field.name: field.type for field in msgspec.structs.fields(Recipe) if issubclass(field.type, Section)}
OWN_CHOICES = {
    "loop": ("min_failures", "rollback"),
    "patterns": ("k", "k_max", "silhouette_floor", "shown"),
    "generate": ("share_pattern", "share_train_error"),
    "gate": ("mean_at_least", "min_at_least", "regenerations", "rederive", "audit_floor", "leak_jaccard"),
}


def test_the_sections_are_those_of_the_recipe():
    assert {*INNER.values(), Recipe} == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_field_is_explained(section):
    """`pada recipes show` prints these words; a field without them is a riddle."""
    wordless = [name for name in section.__struct_fields__ if name not in INNER and not field_help(section).get(name)]
    assert not wordless, f"{section.__name__}: put a docstring below {wordless}"


def test_values_that_the_paper_does_not_give_are_called_the_projects_own():
    for name, fields in OWN_CHOICES.items():
        for field in fields:
            assert "project's" in field_help(INNER[name])[field], f"{name}.{field}"


@pytest.mark.parametrize("place", ["", *INNER])
def test_an_unknown_key_is_refused_by_name(place):
    text = 'name = "x"\n' + (f"[{place}]\n" if place else "") + "stpes = 3\n"
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "stpes" in caught.value.detail and "pada recipes show" in caught.value.fix


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("loop.rounds = 0", "loop.rounds"),
        ('loop.rounds = "three"', "loop.rounds"),
        ('loop.augment = "magic"', "loop.augment"),
        ("generate.share_pattern = 0.9", "generate.share_pattern"),
        ("generate = {share_pattern = 1.5, share_train_error = -0.5}", "generate.share_pattern"),
        ("generate.budget = 0", "generate.budget"),
        ("generate.items_per_call = 0", "generate.items_per_call"),
        ("generate.max_waves = 0", "generate.max_waves"),
        ("train.steps = 0", "train.steps"),
        ("train.steps = 1.5", "train.steps"),
        ("train.tokens_per_step = -1", "train.tokens_per_step"),
        ("train.lora_rank = 0", "train.lora_rank"),
        ("train.micro_batch = 0", "train.micro_batch"),
        ('train.dtype = "int8"', "train.dtype"),
        ('train.backend = "magic"', "train.backend"),
        ('evaluate.dtype = "auto"', "evaluate.dtype"),
        ("evaluate.max_new_tokens = 0", "evaluate.max_new_tokens"),
        ("gate.votes = 0", "gate.votes"),
        ("gate.judge = 1", "gate.judge"),
    ],
)
def test_a_bad_value_is_refused_by_name(line, named):
    with pytest.raises(UsageError) as caught:
        parse(f'name = "x"\n{line}\n')
    assert named in caught.value.detail


@pytest.mark.parametrize("text", ["", "name = ", 'name = "x"\nname = "y"', "name = 3", "[loop]\nrounds = 2"])
def test_what_is_no_recipe_is_refused(text):
    with pytest.raises(UsageError):
        parse(text)


def test_a_file_that_cannot_be_read_is_refused_with_its_path(tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b'name = "\xff"')
    for path in (broken, tmp_path / "missing.toml"):
        with pytest.raises(UsageError) as caught:
            load(path)
        assert str(path) in caught.value.title


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_sound_and_short(path):
    recipe = load(path)
    assert check(recipe) == [] and recipe.about.endswith(".")
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_arms_that_are_compared_train_alike_and_want_as_many_samples():
    for names in (("vanilla", "random-strategies", "pada"), ("demo-vanilla", "demo-random", "demo-pada")):
        arms = [load(RECIPES[0].parent / f"{name}.toml") for name in names]
        assert len({arm.train for arm in arms}) == len({arm.evaluate for arm in arms}) == 1
        assert arms[1].generate.budget == arms[2].generate.budget and arms[1].loop.rounds == arms[2].loop.rounds
        assert [arm.loop.augment for arm in arms] == ["none", "random", "patterns"]


def test_the_id_is_that_of_the_content_without_the_sentence_for_people():
    first, other = parse('name = "x"\nabout = "One."'), parse('about = "Another."\nname = "x"')
    assert first.id == other.id
    assert first.id != parse('name = "x"\n[loop]\nrounds = 4').id


@pytest.mark.parametrize("line", ["learning_rate = nan", "learning_rate = -inf", "steps = 1" + "0" * 30])
def test_a_number_that_json_cannot_hold_is_refused_by_name(line):
    with pytest.raises(UsageError) as caught:
        parse(f'name = "x"\n[train]\n{line}\n')
    assert f"train.{line.split()[0]}" in caught.value.detail
