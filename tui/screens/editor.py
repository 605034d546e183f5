"""A screen on top for texts of several lines. Apart from the other dialogs: its widget is large, and few screens need it."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from pada_local.runtime.safe import safe
from tui.plain import block


class Editor(ModalScreen[dict[str, str] | None]):
    """One or more texts of several lines, each with its name; ctrl+s keeps them, escape gives None."""

    BINDINGS = [Binding("escape", "close", "leave as it was"), Binding("ctrl+s", "keep", "keep", priority=True)]

    def __init__(self, title: str, texts: dict[str, str]) -> None:
        super().__init__()
        self._head, self._texts = title, texts

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(block(self._head, "bold"))
            for name, text in self._texts.items():
                yield Static(block(name), classes="note")
                yield TextArea(safe(text), soft_wrap=True, tab_behavior="focus", id=name)
            yield Static("ctrl+s keeps it, escape leaves it as it was, tab goes to the next text", classes="note")

    def on_mount(self) -> None:
        area = list(self.query(TextArea))[-1]
        area.focus()
        area.move_cursor(area.document.end)

    def action_keep(self) -> None:
        self.dismiss({area.id or "": area.text for area in self.query(TextArea)})

    def action_close(self) -> None:
        self.dismiss(None)
