"""Step: which columns are what, and how a row looks to the student."""

from collections.abc import Callable
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.plain import block, line
from tui.screens.wizard import look
from tui.screens.wizard.draft import SEPARATOR
from tui.screens.wizard.fields import Field, Named
from tui.screens.wizard.step import Step

COLUMNS = ("input", "template", "output", "messages", "tags")


class RowsStep(Step):
    """Columns, guessed and corrected, with the first rows below."""

    NAME, TITLE = "rows", "Which columns are input and output?"
    EXPLAINED = (
        "The guess is made from the names of the columns and what stands in them; correct it where it is wrong. Below, the "
        "first rows are shown as the student will read them (in its own chat format), and what it learns to answer.\n\n"
        "'input' is the column that the student reads, 'output' the right answer. A 'template' makes the input out of several "
        "columns: {question}\\n\\n{context}. 'messages' is a column with a chat instead of both. The report splits its scores by "
        "the columns in 'tags' (several are separated by a semicolon). 'join' stands between several values of one path.\n\n"
        "A column can also be a path (meta.source, data[*].text). The right arrow takes the column that is offered in the line."
    )

    def compose(self) -> ComposeResult:
        yield Named("input", Field("input", hint="column that the student reads"))
        yield Named("template", Field("template", hint="or several: {question}\\n\\n{context}"))
        yield Named("output", Field("output", hint="column with the right answer"))
        yield Named("messages", Field("messages", hint="or a column with chat messages, instead of all three"))
        yield Named("tags", Field("tags", hint="columns to report by; may stay empty"))
        yield Named("join", Field("join", r"\n", hint="between the values of a path with [*]"))
        yield Static(id="columns", classes="note")
        with VerticalScroll(classes="pane"):
            yield Static(id="preview")

    def on_mount(self) -> None:
        self._guessed: dict[str, str] = dict.fromkeys(COLUMNS, "")
        self._guessed_for: Any = None

    def question(self) -> Callable[[], Any]:
        draft, known = self.draft, self._guessed_for
        files = (draft.train, draft.records, draft.format, draft.encoding, draft.delimiter)
        if files == known:
            return lambda: look.rows(draft)
        return lambda: (files, *look.columns(draft))

    def answered(self, answer: Any) -> None:
        if isinstance(answer, look.Rows):
            self._show(answer)
            return
        self._guessed_for, columns, guess = answer
        told = ", ".join(line(name, 30).plain for name in columns if not name.startswith("@"))
        self.query_one("#columns", Static).update(block(f"columns: {told}"))
        for name in COLUMNS:
            self.query_one(f"#field-{name}", Field).know(columns)
        # What somebody typed stays; what was only guessed, for another file perhaps, is guessed again.
        if {name: getattr(self.draft, name) for name in COLUMNS} == self._guessed:
            self._guessed = {
                "input": guess.input, "template": guess.template, "output": guess.output, "messages": guess.messages,
                "tags": f"{SEPARATOR} ".join(guess.tags),
            }  # fmt: skip
            self.wizard.keep(**self._guessed)
            for name, text in self._guessed.items():
                self.query_one(f"#field-{name}", Field).fill(text)
        self.changed()

    def may_go(self) -> bool:
        """Only when the rows were looked at with these columns."""
        return self._rows_seen == self.draft

    _rows_seen: Any = None

    def _show(self, found: look.Rows) -> None:
        self._rows_seen = self.draft
        text = Text()
        plain = "  (plain: the student's folder names no chat format)" if found.chat == "plain" else ""
        text.append(f"{len(found.examples):,} rows can be taken. Chat format: {found.chat}{plain}\n")
        for (prompt, answer), example in zip(found.shown, found.examples, strict=False):
            text.append(f"\n{found.source.unit} {example.line}, the student reads\n", "bold").append(block(_cut(prompt)))
            text.append("\nand learns to answer\n", "bold").append(block(_cut(answer))).append("\n")
            if example.tags:
                text.append(line("tags: " + ", ".join(f"{name}={value}" for name, value in example.tags.items()))).append("\n")
        self.query_one("#preview", Static).update(text)


def _cut(text: str) -> str:
    return text if len(text) <= 600 else f"{text[:400]} […] {text[-150:]}"
