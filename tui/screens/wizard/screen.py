"""The wizard: its steps in their order, one at a time; what was typed stays when somebody goes back or looks elsewhere."""

from pathlib import Path
from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.widgets import ContentSwitcher, Input, Static

from tui import actions
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.screens.wizard.draft import Draft
from tui.screens.wizard.fields import Field
from tui.screens.wizard.files import FilesStep
from tui.screens.wizard.metric import MetricStep
from tui.screens.wizard.models import ModelsStep
from tui.screens.wizard.recipe import RecipeStep
from tui.screens.wizard.rows import RowsStep
from tui.screens.wizard.step import Step
from tui.screens.wizard.summary import SummaryStep
from tui.screens.wizard.task import TaskStep
from tui.themes import mark

STEPS: tuple[type[Step], ...] = (FilesStep, RowsStep, MetricStep, TaskStep, ModelsStep, RecipeStep, SummaryStep)
FOCUSABLE = "Input, OptionList, TextArea, Checkbox"


class WizardScreen(ProjectScreen):
    """From files to a project and its first run."""

    NAME = actions.WIZARD
    BINDINGS = actions.bindings(actions.WIZARD)

    def __init__(self) -> None:
        super().__init__()
        self.draft = Draft()
        self.at = 0

    @property
    def EXPLAINED(self) -> str:  # noqa: N802 (what F1 shows is the step's own)
        keys = "Enter goes to the next line or step, ctrl+n to the next step, Escape back; what you typed is kept."
        return f"{STEPS[self.at].EXPLAINED}\n\n{keys}"

    def body(self) -> ComposeResult:
        yield Static(id="where", classes="head")
        with ContentSwitcher(initial=f"step-{FilesStep.NAME}"):
            for step in STEPS:
                yield step()
        yield Static(id="told", classes="note")

    def on_mount(self) -> None:
        self._show()

    @property
    def step(self) -> Step:
        """The one that is shown."""
        return self.query_one(f"#step-{STEPS[self.at].NAME}", Step)

    @property
    def unfinished(self) -> str:
        """What leaving the app would lose; empty when nothing was typed."""
        return "" if self.draft == Draft() else "The new project is not made yet. What you typed is lost when you leave."

    def keep(self, **fields: Any) -> None:
        """Something was typed."""
        self.draft = msgspec.structs.replace(self.draft, **fields)

    def say(self, state: str, text: str) -> None:
        """A sentence about the step that is shown, with its mark."""
        told = {"running": "…"}.get(state, mark(state).partition(" ")[0]) if state else ""
        self.query_one("#told", Static).update(block(f"{told} {text}" if state else ""))

    def _show(self) -> None:
        self.query_one("#where", Static).update(line(f"New project, {self.at + 1} of {len(STEPS)}: {STEPS[self.at].TITLE}"))
        self.query_one(ContentSwitcher).current = f"step-{STEPS[self.at].NAME}"
        self.say("", "")
        self.step.query(FOCUSABLE).first().focus()
        self.step.entered()

    def advance(self) -> None:
        """The next step; its check has passed."""
        if self.at + 1 < len(STEPS):
            self.at += 1
            self._show()

    def made(self, path: Path) -> None:
        """The project is there: show it, and begin anew when somebody comes back."""
        self.pada.open_project(path)
        self.draft, self.at = Draft(), 0
        self.call_later(self._begin_anew)

    async def _begin_anew(self) -> None:
        """New steps; the rest of the screen stays, since a header that is taken away and put back can miss its title."""
        switcher = self.query_one(ContentSwitcher)
        switcher.current = None
        await switcher.remove_children()
        for step in STEPS:
            await switcher.add_content(step())
        self._show()

    # --- actions

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes what is marked in the offers, else goes to the next line, and from the last one to the next step."""
        offered = self.step.offer_list()
        if offered is not None and offered.marked is not None:
            event.input.value = offered.marked
            event.input.cursor_position = len(event.input.value)
            return
        lines = list(self.step.query(Field))
        at = lines.index(event.input) if event.input in lines else len(lines) - 1
        rest = [widget for widget in self.step.query(FOCUSABLE) if widget.can_focus]
        after = rest[rest.index(event.input) + 1 :]
        if at + 1 < len(lines):
            lines[at + 1].focus()
        elif after and not isinstance(after[0], Field):
            after[0].focus()
        else:
            self.step.go()

    def action_next(self) -> None:
        self.step.go()

    def action_back(self) -> None:
        if isinstance(self.step, SummaryStep) and self.step.cancel():
            return
        if self.at == 0:
            self.pada.action_go(actions.HOME)
            return
        self.at -= 1
        self._show()

    def action_complete(self) -> None:
        """Go on with the path as far as it is clear; where nothing goes on, or nothing is typed, Tab leads to the next field."""
        offered, field = self.step.offer_list(), self.focused
        if offered is None or not isinstance(field, Field) or not (field.value or offered.marked):
            self.focus_next()
        elif offered.text != field.value:
            self.step.complete_soon = True
        else:
            self.complete(field)

    def complete(self, field: Field) -> None:
        """Complete the field, whose offers are known."""
        offered = self.step.offer_list()
        text = (offered.marked or offered.completed(field.value)) if offered is not None else field.value
        if text != field.value:
            field.fill(text)
        else:
            self.focus_next()

    def action_offer(self, by: int) -> None:
        """Move among the offers, or among the fields where nothing is offered."""
        offered = self.step.offer_list()
        if offered is not None and offered.offers.found:
            if by > 0:
                offered.action_cursor_down()
            else:
                offered.action_cursor_up()
        elif by > 0:
            self.focus_next()
        else:
            self.focus_previous()
