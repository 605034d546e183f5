"""What the screens of a project share: questions in threads, errors as sentences, and following the run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Header

from pada_local.errors import PadaError
from tui import panels
from tui.feed import Seen

if TYPE_CHECKING:
    from tui.app import PadaApp


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
        try:
            answer = question()
        except PadaError as error:
            self.app.call_from_thread(self.pada.complain, error)
            return
        self.app.call_from_thread(self._tell, then, answer)

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
            try:
                answer = asked[0]()
            except PadaError as error:
                self.app.call_from_thread(self.pada.complain, error)
                continue
            self.app.call_from_thread(self._tell, asked[1], answer)
        del self._newest[name]

    def _tell(self, then: Callable[[Any], None], answer: Any) -> None:
        """Show an answer. What breaks here is this program's fault: it is said, and the run and the app go on."""
        if not self.is_mounted:
            return
        try:
            then(answer)
        except Exception as error:
            self.log.error(error)
            title = f"The screen could not show an answer ({type(error).__name__})."
            self.pada.complain(PadaError(title, str(error), "The run is not touched. Another screen may still show it."))

    def about_run(self, question: Callable[[Any, str], Any], then: Callable[[Any], None]) -> None:
        """Ask about the run that is shown, or the newest one, if there is one and a project is open; newest question only."""
        door, shown = self.pada.door, self.pada.seen.view.run_id
        if door is None:
            return

        def asked() -> Any:
            ids = [run["id"] for run in door.ask("runs")]
            return question(door, shown if shown in ids else ids[-1]) if ids else None

        self.ask_newest("run", asked, lambda answer: then(answer) if answer is not None else None)
