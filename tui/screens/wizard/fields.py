"""Lines to type in, each with its name before it, and the list of what is offered for the one that has the focus."""

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from pada_local.runtime.safe import safe
from tui.plain import line
from tui.screens.wizard.complete import Offers, completed

Offering = Callable[[str], Offers]


class Field(Input):
    """One line of a draft; `name` is the draft's field. What is pasted loses what a terminal could act on."""

    def __init__(self, name: str, value: str = "", hint: str = "", offering: Offering | None = None) -> None:
        super().__init__(value, placeholder=hint, name=name, id=f"field-{name}", compact=True, select_on_focus=False)
        self.offering = offering

    def validate_value(self, value: str) -> str:
        return safe(value).replace("\t", " ").replace("\n", " ")

    def fill(self, text: str) -> None:
        """Hold this text, the cursor behind it."""
        self.value = text
        self.cursor_position = len(text)

    def know(self, words: list[str]) -> None:
        """Words that are offered inside the line; the right arrow takes one."""
        self.suggester = SuggestFromList([word for word in words if safe(word) == word], case_sensitive=True)


class Named(Horizontal):
    """A field with its name before it."""

    def __init__(self, label: str, field: Field) -> None:
        super().__init__(classes="field")
        self._label, self._field = label, field

    def compose(self) -> ComposeResult:
        yield Static(self._label, classes="label")
        yield self._field


def choice(name: str, words: str, width: int = 18) -> Text:
    """A line of a list: a name, padded, and what is said about it."""
    return Text.assemble(line(name, width).plain.ljust(width + 1), line(words, 200))


class Tick(Checkbox):
    """Yes or no; a mark says which, so that no colour is needed."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 (the base class's name for the mark)
        return "✓" if self.value else " "


class OfferList(OptionList, can_focus=False):
    """What the text of a field may go on to; arrows move in it while the field keeps the focus."""

    def show(self, offers: Offers, text: str = "") -> None:
        """Show what goes on from this text; none is marked, so that Enter keeps what was typed."""
        self.offers, self.text = offers, text
        self.clear_options()
        names = [line(one.name if one.fits else f"{one.name}  (this name cannot be typed)", 110) for one in offers.found]
        self.add_options([Option(name, disabled=not one.fits) for name, one in zip(names, offers.found, strict=True)])
        if offers.more:
            self.add_option(Option(line("… and more: type the beginning of the name"), disabled=True))
        self.highlighted = None

    def on_mount(self) -> None:
        self.offers, self.text = Offers([]), ""

    @property
    def marked(self) -> str | None:
        """What the field would hold; None when nothing is marked."""
        at = self.highlighted
        return self.offers.found[at].text if at is not None and at < len(self.offers.found) else None

    def completed(self, text: str) -> str:
        """The text as far as all offers agree."""
        return completed(text, self.offers)
