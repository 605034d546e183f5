"""What the screens of a project share: questions in threads, errors as sentences, and following the run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Header

from pada_local.errors import PadaError
from tui.feed import Seen

if TYPE_CHECKING:
    from tui.app import PadaApp


class ProjectScreen(Screen[None]):
    """A screen that shows something of the open project."""

    NAME: ClassVar[str]
    EXPLAINED: ClassVar[str] = ""

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
        self.show_seen(self.pada.seen)
        self.reload()

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
        self.app.call_from_thread(then, answer)

    def about_run(self, question: Callable[[Any, str], Any], then: Callable[[Any], None]) -> None:
        """Ask about the run that is shown, or the newest one, if there is one and a project is open."""
        door, shown = self.pada.door, self.pada.seen.view.run_id
        if door is None:
            return

        def asked() -> Any:
            ids = [run["id"] for run in door.ask("runs")]
            return question(door, shown if shown in ids else ids[-1]) if ids else None

        self.ask(asked, lambda answer: then(answer) if answer is not None and self.is_mounted else None)
