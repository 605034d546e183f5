"""What the steps share: they check while somebody types, in threads, and say what is wrong in place."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, work
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import get_current_worker

from pada_local.errors import PadaError
from tui.screens.wizard.complete import Offers
from tui.screens.wizard.draft import Draft
from tui.screens.wizard.fields import Field, OfferList

if TYPE_CHECKING:
    from tui.screens.wizard.screen import WizardScreen

OPTION = re.compile(r"(?<!\S)--([a-z][a-z-]+)")
WAIT = 0.2
"""Seconds after the last key before what was typed is looked at."""


def in_fields(text: str) -> str:
    """A sentence that was written for the options of `pada new`, in the names of the wizard's fields."""
    named = OPTION.sub(lambda found: f"'{found[1].replace('input-template', 'template').replace('-', ' ')}'", text)
    return named.replace("add 'drop overlap'", "tick 'drop overlap'").replace("add 'truncate'", "tick 'truncate'")


class Step(Vertical):
    """One step. `question` is asked in a thread; its answer makes the step sound, a PadaError makes a sentence."""

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    EXPLAINED: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(id=f"step-{self.NAME}", classes="step")
        self.sound = False
        self.complete_soon = False
        """Tab was pressed before it was known what the text may go on to."""
        self.going = self._waiting = False
        """Whether the person wants the next step; whether what was typed was not looked at yet."""
        self._timer: Timer | None = None

    @property
    def wizard(self) -> "WizardScreen":
        """The screen that the step is in."""
        return cast("WizardScreen", self.screen)

    @property
    def draft(self) -> Draft:
        """What was typed so far, on all steps."""
        return self.wizard.draft

    def entered(self) -> None:
        """The step is shown; what was typed on others may have changed what holds here."""
        self.sound = False
        self.check()

    def question(self) -> Callable[[], Any] | None:
        """What is to be asked about the draft as it is now; None when there is nothing to ask."""
        return None

    def answered(self, answer: Any) -> None:
        """The question had this answer: show it."""

    def may_go(self) -> bool:
        """Whether the answer allows the next step."""
        return True

    def say(self, state: str, text: str) -> None:
        """A sentence below the step."""
        self.wizard.say(state, text)

    # --- checking

    def changed(self) -> None:
        """Something was typed: look at it when the keys have been still for a moment."""
        self.sound, self._waiting = False, True
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(WAIT, self.check)

    def check(self) -> None:
        """Ask now."""
        self._waiting = False
        if self._timer is not None:
            self._timer.stop()
        asked = self.question()
        if asked is None:
            self._done(None)
        else:
            self.say("running", "looking …")
            self._ask(asked)

    def go(self) -> None:
        """The person wants the next step: go when, and if, the check allows it."""
        if self.sound:
            self.wizard.advance()
        else:
            self.going = True
            self.check()

    @work(thread=True, exclusive=True, group="check", exit_on_error=False)
    def _ask(self, question: Callable[[], Any]) -> None:
        worker = get_current_worker()
        try:
            answer, error = question(), None
        except PadaError as problem:
            answer, error = None, problem
        if not worker.is_cancelled:
            self.app.call_from_thread(self._refused if error is not None else self._done, error if error is not None else answer)

    def _done(self, answer: Any) -> None:
        if not self.is_mounted:
            return
        self.say("", "")
        self.answered(answer)
        self.sound = self.may_go()
        if self.going and self.sound:
            self.going = False
            self.wizard.advance()
        elif not self._waiting:  # an answer that asked again keeps the wish to go on
            self.going = False

    def _refused(self, error: PadaError) -> None:
        if self.is_mounted:
            self.going = self.sound = False
            self.say("missing", in_fields("  ".join(part for part in (error.title, error.detail, error.fix) if part)))

    # --- fields and what is offered for them

    def on_input_changed(self, event: Input.Changed) -> None:
        field = event.input
        if isinstance(field, Field) and field.name and getattr(self.draft, field.name) != field.value:
            self.wizard.keep(**{field.name: field.value})
            self.changed()
        self._offer(field)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._offer(event.widget)

    def _offer(self, field: Any) -> None:
        if isinstance(field, Field) and field.has_focus and self.query(OfferList):
            if field.offering is not None:
                self._look_up(field, field.value)
            else:
                self.query_one(OfferList).show(Offers([]))

    @work(thread=True, exclusive=True, group="offers", exit_on_error=False)
    def _look_up(self, field: Field, text: str) -> None:
        worker = get_current_worker()
        found = field.offering(text) if field.offering is not None else Offers([])
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_offers, field, text, found)

    def _show_offers(self, field: Field, text: str, found: Offers) -> None:
        if self.is_mounted and field.has_focus and field.value == text:
            self.query_one(OfferList).show(found, text)
            if self.complete_soon:
                self.complete_soon = False
                self.wizard.complete(field)

    def offer_list(self) -> OfferList | None:
        """The list below the fields, if the step has one and a field that uses it has the focus."""
        focused = self.screen.focused
        return self.query_one(OfferList) if isinstance(focused, Field) and focused.offering and self.query(OfferList) else None
