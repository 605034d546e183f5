"""What the screens of a project share: questions in threads, errors as sentences, and following the run."""

import os
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Header

from pada_local.errors import PadaError
from tui import panels, reasons
from tui.feed import Seen

if TYPE_CHECKING:
    from tui.app import PadaApp


def broken(error: BaseException) -> PadaError:
    """A fault of the program as a sentence: what, and the line of the app where it came up."""
    places = [place for place in traceback.extract_tb(error.__traceback__) if f"{os.sep}tui{os.sep}" in place.filename]
    where = f" ({os.path.basename(places[-1].filename)}, line {places[-1].lineno})" if places else ""
    return PadaError("The app could not show this.", f"{type(error).__name__}: {str(error)[:200]}{where}.", "Please report it.")


class ProjectScreen(Screen[None]):
    """A screen that shows something of the open project."""

    NAME: ClassVar[str]
    EXPLAINED: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}

    @property
    def pada(self) -> "PadaApp":
        """The app, by its own type."""
        return cast("PadaApp", self.app)

    def compose(self) -> ComposeResult:
        yield Header()
        yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    def on_screen_resume(self) -> None:
        panels.make_reachable(self)
        self.show_seen(self.pada.seen)
        if not self.pada.opening or self.NAME in reasons.WITHOUT_PROJECT:
            self.reload()

    def why_not(self, call: str) -> str:
        """Why one of this screen's actions cannot be taken now, as a sentence; "" when it can. The palette tells it."""
        return ""

    def refused(self, call: str) -> bool:
        """Whether an action cannot be taken now; if so, the reason is told."""
        if why := self.why_not(call):
            self.notify(why, severity="warning", markup=False)
        return bool(why)

    def show_seen(self, seen: Seen) -> None:
        """The run moved on."""

    def reload(self) -> None:
        """Ask the host again for what this screen shows."""

    @work(thread=True, group="ask", exit_on_error=False)
    def ask(self, question: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Ask in a thread and show the answer in the app's own; an error becomes a notice."""
        self._answer(question, then)

    def ask_newest(self, name: str, question: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Ask what may be asked often: while one answer of this name is on its way, only the newest question waits."""
        going_on = name in self._newest
        self._newest[name] = (question, then)
        if not going_on:
            self._ask_on(name)

    @work(thread=True, group="ask", exit_on_error=False)
    def _ask_on(self, name: str) -> None:
        asked = None
        while (wanted := self._newest[name]) is not asked:
            asked = wanted
            self._answer(*asked)
        del self._newest[name]

    def _answer(self, question: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """One question, in a thread of its own."""
        try:
            answer = question()
        except PadaError as error:
            self.app.call_from_thread(self.pada.complain, error)
        except Exception as error:
            # The thread's edge: a fault of this program must not take the app down, nor be nothing.
            self.app.call_from_thread(self.pada.complain, broken(error))
        else:
            self.app.call_from_thread(self._tell, then, answer)

    def _tell(self, then: Callable[[Any], None], answer: Any) -> None:
        """Show an answer. What breaks here is this program's fault: it is said, and the run and the app go on."""
        if not self.is_mounted:
            return
        try:
            then(answer)
        except Exception as error:
            self.log.error(error)
            self.pada.complain(broken(error))

    def about_run(self, question: Callable[[Any, str], Any], then: Callable[[Any], None]) -> None:
        """Ask about the run that is shown, or the newest one, if there is one and a project is open; newest question only."""
        door, shown = self.pada.door, self.pada.seen.view.run_id
        if door is None:
            return

        def asked() -> Any:
            ids = [run["id"] for run in door.ask("runs")]
            return question(door, shown if shown in ids else ids[-1]) if ids else None

        self.ask_newest("run", asked, lambda answer: then(answer) if answer is not None else None)
