"""The jump overlay: a letter at every panel of the screen below, a number at every screen; one key goes there."""

import textwrap
from string import ascii_lowercase

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.plain import block

LETTERS = ascii_lowercase.replace("g", "")
"""The key that opens the overlay closes it."""
BELOW = 3
"""Lines at the bottom beside those that name the screens, and one above them."""


class Jump(ModalScreen[str]):
    """Gives the letter or number that was pressed; escape, or any other key, gives nothing."""

    def __init__(self, panels: list[tuple[str, Region]], screens: list[tuple[str, str]]) -> None:
        super().__init__()
        self._panels = dict(zip(LETTERS, panels, strict=False))
        self._screens = dict(screens)

    @property
    def letters(self) -> list[str]:
        """The panels' letters, in their order."""
        return list(self._panels)

    def compose(self) -> ComposeResult:
        width, height = self.app.size
        # Space that does not break keeps a number and its name on one line.
        screens = textwrap.wrap("  ".join(f"{key}\u00a0{name}" for key, name in self._screens.items()), max(20, width - 2))
        lowest = height - len(screens) - BELOW
        for letter, (name, region) in self._panels.items():
            mark = Static(block(f" {letter} {name} ", "bold"), classes="jump")
            mark.styles.offset = (region.x, min(region.y, lowest))
            yield mark
        with Vertical(id="jump-screens"):
            yield Static(block("\n".join(screens).replace("\u00a0", " "), "bold"))
            yield Static(block("A letter goes to the panel, a number to the screen; Escape stays."))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(event.key if event.key in self._panels or event.key in self._screens else "")


def panels_of(widgets: list[Widget]) -> list[Widget]:
    """Those that can have the keyboard and are in sight, from the top left on; no more than there are letters."""
    seen = [widget for widget in widgets if widget.region.area and widget.screen.region.overlaps(widget.region)]
    return sorted(seen, key=lambda widget: (widget.region.y, widget.region.x))[: len(LETTERS)]
