"""Data: the examples, searched and filtered; test examples stay out of sight, so that nobody tunes to them."""

from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui import actions
from tui.door import Door
from tui.plain import block
from tui.screens.dialogs import Page
from tui.screens.facts import facts_in_words, leaks_in_words
from tui.screens.paged import PAGE, PagedScreen


class DataScreen(PagedScreen):
    """The examples that the project was made with."""

    NAME = actions.DATA
    BINDINGS = actions.bindings(actions.DATA)
    KIND, COLUMNS = "Example", ("split", "input", "output")
    FILTERS = (
        ("Training and validation examples", {"split": ["train", "validation"]}),
        ("Training examples", {"split": "train"}), ("Validation examples", {"split": "validation"}),
    )  # fmt: skip
    EXPLAINED = (
        "Training examples teach the student. Validation examples show where it fails, and choose among rounds; they are never "
        "shown to whoever writes new samples. Test examples are looked at once, at the end of a run, and are not shown here: "
        "who reads them begins to tune to them.\n\n"
        "o keeps the examples with the same output as the marked one, and once more brings the others back. i tells lengths, "
        "outputs and what stands twice. l looks for inputs of one split that are nearly the same as one of another: they make "
        "a score look better than it is."
    )

    def on_mount(self) -> None:
        self._output: str | None = None

    def fetch(self, door: Door, offset: int) -> dict[str, Any]:
        where = self.FILTERS[self._filter][1] | ({"output": self._output} if self._output is not None else {})
        return door.ask("page", kind=self.KIND, where=where, search=self._search, offset=offset, limit=PAGE)

    def told(self) -> str:
        return super().told() + (f', answered "{self._output[:40]}"' if self._output is not None else "")

    def show_row(self, row: dict[str, Any]) -> None:
        tags = ", ".join(f"{name}={value}" for name, value in row["tags"].items())
        text = Text.assemble(("input\n", "bold"), block(row["input"]), ("\n\noutput\n", "bold"), block(row["output"]))
        text.append(f"\n\n{len(row['input']):,} and {len(row['output']):,} characters\n")
        text.append(block(f"{row['split']}, from {row['source'] or 'no file'}{'; ' + tags if tags else ''}"))
        self.query_one("#row", Static).update(text)

    # --- actions

    def action_same_output(self) -> None:
        marked = self.marked
        self._output = marked["output"] if marked is not None and self._output is None else None
        self._offset = 0
        self.reload()

    def action_facts(self) -> None:
        self._tell_page("example_facts", "Facts about the examples", facts_in_words)

    def action_leaks(self) -> None:
        self.notify("Looking for inputs that are nearly the same in two splits …")
        self._tell_page("leaks", "Inputs that are nearly the same in two splits", leaks_in_words)

    def _tell_page(self, op: str, title: str, words: Any) -> None:
        door = self.pada.door
        if door is not None:
            self.ask(lambda: door.ask(op), lambda found: self.app.push_screen(Page(title, words(found))))
