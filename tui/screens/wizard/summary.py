"""Step: the name of the file, the command that does the same, and making it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Checkbox, OptionList, ProgressBar, Static
from textual.widgets.option_list import Option

from pada_local.errors import Interrupted, PadaError
from pada_local.session import Session, find_recipe
from tui.plain import block
from tui.screens.wizard import look
from tui.screens.wizard.draft import Draft, project_name
from tui.screens.wizard.fields import Field, Named, Tick
from tui.screens.wizard.step import Step

SHOW_SECONDS = 0.1
LONGEST_TOLD = 700


class SummaryStep(Step):
    """The end: nothing is written before this."""

    NAME, TITLE = "summary", "Make the project"
    EXPLAINED = (
        "The project is one file; everything that is ever made for it will lie in it. Nothing has been written yet. The command "
        "shown makes the same project from a shell or a script.\n\n"
        "'drop overlap': an input that stands in two splits lets the student learn what it is measured with; this drops it from "
        "the one that measures less. Without it such a file is refused. 'truncate': inputs that are too long for the student are "
        "cut; without it they are refused.\n\n"
        "Making it reads every row of every file and checks it. What cannot be taken is refused with file and line, and nothing "
        "is written. Escape breaks off."
    )

    def compose(self) -> ComposeResult:
        yield Named("file", Field("file", hint="name of the project file: notes.duckdb"))
        yield Named("seed", Field("seed", "1", hint="decides what is set aside for validation and test"))
        with Horizontal(classes="field"):
            yield Tick("drop overlap: inputs in two splits", id="drop_overlap", compact=True)
            yield Tick("truncate: inputs too long", id="truncate", compact=True)
        yield OptionList(
            Option("Make it and start the run"), Option("Make it; I start the run myself"), id="make", classes="choices"
        )
        yield ProgressBar(id="bar", total=100, show_eta=False)
        yield Static(id="progress", classes="note")
        with VerticalScroll(classes="pane"):
            yield Static(id="command")

    def on_mount(self) -> None:
        self._cancel: threading.Event | None = None
        self.query_one("#bar").display = False

    def entered(self) -> None:
        field = self.query_one("#field-file", Field)
        if not field.value:
            self.wizard.keep(file=project_name(self.draft))
            field.fill(self.draft.file)
        super().entered()
        self.query_one("#make").focus()

    def question(self) -> Callable[[], str]:
        draft = self.draft
        return lambda: look.check_file(draft)

    def answered(self, answer: str) -> None:
        self.query_one("#command", Static).update(block(f"The same from a shell:\n\n{answer}"))

    def go(self) -> None:
        """There is no next step: Enter on the list makes the project."""
        self.query_one("#make").focus()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        self.wizard.keep(**{str(event.checkbox.id): event.value})
        self.changed()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if self._cancel is None:
            self._cancel = threading.Event()
            bar = self.query_one("#bar", ProgressBar)
            bar.display = True
            bar.update(progress=0)
            self.say("running", "making the project; Escape breaks off")
            self._make(self.draft, event.option_index == 0, self._cancel)

    def cancel(self) -> bool:
        """Break off what is being made; False when nothing is."""
        if self._cancel is None:
            return False
        self._cancel.set()
        self.say("running", "breaking off …")
        return True

    @work(thread=True, group="make", exit_on_error=False)
    def _make(self, draft: Draft, start: bool, cancel: threading.Event) -> None:
        shown = 0.0

        def tell(what: str, rows: int, share: float) -> None:
            nonlocal shown
            if cancel.is_set():
                raise Interrupted("Broken off; nothing was written.")
            if time.monotonic() - shown >= SHOW_SECONDS:
                shown = time.monotonic()
                self.app.call_from_thread(self._show_progress, what, rows, share)

        try:
            path, told = look.make(draft, tell)
        except (PadaError, OSError, ValueError) as error:
            problem = error if isinstance(error, PadaError) else PadaError("The project cannot be made.", str(error))
            self.app.call_from_thread(self._failed, problem)
            return
        error = _started(path, draft) if start else None
        self.app.call_from_thread(self._made, path, told, error)

    def _show_progress(self, what: str, rows: int, share: float) -> None:
        self.query_one("#bar", ProgressBar).update(progress=100 * share)
        self.query_one("#progress", Static).update(block(f"{what}: {rows:,} rows"))

    def _failed(self, error: PadaError) -> None:
        self._ended()
        self._refused(error)

    def _made(self, path: Path, told: str, error: PadaError | None) -> None:
        self._ended()
        self.notify(block(told[:LONGEST_TOLD]).plain, title="The project is made", timeout=10, markup=False)
        if error is not None:
            self.pada_complain(error)
        self.wizard.made(path)

    def pada_complain(self, error: PadaError) -> None:
        """The project is there, but its run did not start."""
        self.wizard.pada.complain(error)

    def _ended(self) -> None:
        self._cancel = None
        self.query_one("#bar").display = False
        self.query_one("#progress", Static).update("")


def _started(path: Path, draft: Draft) -> PadaError | None:
    try:
        with Session.start_host(path) as session:
            session.start(find_recipe(draft.recipe), 1)
    except PadaError as error:
        return error
    return None
