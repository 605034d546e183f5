"""A recipe written as TOML and read again is the same recipe, whatever stands in it."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pada_local.recipe import Recipe, Section, check, field_help, parse, to_toml, values
from pada_local.runtime.recipes import known

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KINDS = {
    bool: st.booleans(), int: st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(0, 20),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 1), str: TEXTS,
}  # fmt: skip
SOUND = Recipe(name="x")


@st.composite
def recipes(draw) -> Recipe:
    """Sound recipes in which some fields were changed."""
    body = msgspec.to_builtins(SOUND)
    for dotted in draw(st.lists(st.sampled_from([name for name, _ in values(SOUND)]), max_size=12, unique=True)):
        section, _, name = dotted.rpartition(".")
        place = body[section] if section else body
        before = place[name]
        place[name] = draw(KINDS[type(before)])
        if check(msgspec.convert(body, Recipe)):
            place[name] = before
    share = draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    body["generate"] |= {"share_pattern": share, "share_train_error": 1 - share}
    return msgspec.convert(body, Recipe)


@settings(max_examples=200, deadline=None)
@given(recipes())
def test_what_is_written_is_read_again(recipe):
    assume(not check(recipe))
    again = parse(to_toml(recipe))
    assert again == recipe and again.id == recipe.id and to_toml(again) == to_toml(recipe)


@pytest.mark.parametrize(
    "name", ['"quoted" \\ back', "two\nlines\r\n", "\x7f\x00\x1b[31m", "a\u2028b\u0085", "[train]\nsteps = 9"]
)
def test_hostile_words_stay_words(name):
    recipe = msgspec.structs.replace(SOUND, about=name)
    assert parse(to_toml(recipe)) == recipe
    assert not any(ord(char) < 32 and char != "\n" or ord(char) == 127 for char in to_toml(recipe))


def test_every_field_stands_below_its_meaning():
    text = to_toml(SOUND)
    for field in msgspec.structs.fields(Recipe):
        section = getattr(SOUND, field.name)
        for name in section.__struct_fields__ if isinstance(section, Section) else ():
            assert f"# {field_help(type(section))[name]}\n{name} = " in text


def test_shipped_recipes_survive():
    shipped = [one.recipe for one in known()]
    assert len(shipped) >= 7 and all(parse(to_toml(recipe)) == recipe for recipe in shipped)
