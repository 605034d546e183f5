"""Small screens on top: a page to read, a question with answers, a line to type."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from pada_local.runtime.safe import safe_line
from tui.plain import block

LONG_PAGE = 40_000
"""Characters of a page to scroll through."""


class Page(ModalScreen[None]):
    """A text; any of the usual keys closes it."""

    BINDINGS = [Binding("escape,q,f1,question_mark,enter", "close", "close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._head, self._text = title, text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(block(self._head, "bold"))
            yield Static(block("\n" + self._text, longest=LONG_PAGE))

    def action_close(self) -> None:
        self.dismiss()


class Question(ModalScreen[str]):
    """One of several answers; escape gives the empty one."""

    BINDINGS = [Binding("escape", "close", "close")]

    def __init__(self, title: str, answers: list[tuple[str, str]]) -> None:
        super().__init__()
        self._head, self._answers = title, answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(block(self._head, "bold"))
            yield OptionList(*(Option(block(text)) for _, text in self._answers))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._answers[event.option_index][0])

    def action_close(self) -> None:
        self.dismiss("")


class Line(ModalScreen[str | None]):
    """One line of text; escape gives None."""

    BINDINGS = [Binding("escape", "close", "close")]

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._head, self._value = title, value

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(block(self._head, "bold"))
            yield Input(safe_line(self._value), select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_close(self) -> None:
        self.dismiss(None)
