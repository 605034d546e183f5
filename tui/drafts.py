"""A recipe that is being changed: its fields as text and back, what differs from what, and what is wrong. No screen in here."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pada_local.errors import UsageError
from pada_local.recipe import Recipe, check, field_help, values
from pada_local.runtime.recipes import Known

DEFAULTS = dict(values(Recipe(name="")))
FIELDS = [name for name in DEFAULTS if name != "name"]
"""What can be changed, by dotted name; a recipe's own name is that of its file."""
SECTIONS = list(dict.fromkeys(name.partition(".")[0] for name in FIELDS if "." in name))


class Draft(msgspec.Struct, frozen=True):
    """A recipe as it is kept, as it is now, and the one that differences are told from."""

    known: Known
    now: Recipe
    base: Recipe
    base_name: str

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.now != self.known.recipe

    @property
    def problems(self) -> list[str]:
        """Every rule of a recipe that it breaks, in the recipe's own sentences."""
        return check(self.now)

    def differs(self, dotted: str) -> bool:
        """Whether a field has another value than in the base."""
        return value_of(self.now, dotted) != value_of(self.base, dotted)


def draft_of(one: Known, others: Sequence[Known], now: Recipe | None = None) -> Draft | None:
    """A draft of a recipe that can be used. Its base is the recipe that it was made from, where that is still there."""
    if one.recipe is None:
        return None
    base = next((other for other in others if other.name == one.base and other.recipe is not None), one)
    return Draft(one, now or one.recipe, base.recipe or one.recipe, base.name)


def value_of(recipe: Recipe, dotted: str) -> Any:
    """The value of a field by its dotted name."""
    section, _, name = dotted.rpartition(".")
    return getattr(getattr(recipe, section) if section else recipe, name)


def with_value(recipe: Recipe, dotted: str, value: Any) -> Recipe:
    """The recipe with one field changed."""
    section, _, name = dotted.rpartition(".")
    if not section:
        return msgspec.structs.replace(recipe, **{name: value})
    return msgspec.structs.replace(recipe, **{section: msgspec.structs.replace(getattr(recipe, section), **{name: value})})


def as_text(value: Any) -> str:
    """A value as a person types it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def typed(dotted: str, text: str) -> Any:
    """What was typed as a value of the field's kind. Raises UsageError with a sentence."""
    default, text = DEFAULTS[dotted], text.strip()
    try:
        match default:
            case bool():
                return {"true": True, "false": False}[text.lower()]
            case int():
                return int(text)
            case float():
                return float(text)
        return text
    except (ValueError, KeyError):
        kind = "true or false" if isinstance(default, bool) else "a whole number" if isinstance(default, int) else "a number"
        raise UsageError(f"{dotted} is {kind}, such as {as_text(default)}.") from None


def wrong_with(recipe: Recipe, dotted: str, text: str) -> str:
    """What would be wrong with the recipe if the field had what was typed; "" when nothing."""
    try:
        problems = check(with_value(recipe, dotted, typed(dotted, text)))
    except UsageError as error:
        return error.title
    return "; ".join(problems)


def meaning(dotted: str) -> str:
    """What a field or a section means, in the words of the recipe's own documentation."""
    section, _, name = dotted.rpartition(".")
    if dotted in SECTIONS:
        return " ".join((type(getattr(_PLAIN, dotted)).__doc__ or "").split())
    return field_help(type(getattr(_PLAIN, section)) if section else Recipe)[name]


_PLAIN = Recipe(name="")
