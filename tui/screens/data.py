"""Data: the examples, searched and filtered; test examples stay out of sight, so that nobody tunes to them."""

from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui import actions
from tui.plain import block
from tui.screens.paged import PagedScreen


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
        "who reads them begins to tune to them."
    )

    def show_row(self, row: dict[str, Any]) -> None:
        tags = ", ".join(f"{name}={value}" for name, value in row["tags"].items())
        text = Text.assemble(("input\n", "bold"), block(row["input"]), ("\n\noutput\n", "bold"), block(row["output"]))
        text.append(block(f"\n\n{row['split']}, from {row['source'] or 'no file'}{'; ' + tags if tags else ''}"))
        self.query_one("#row", Static).update(text)
