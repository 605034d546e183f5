"""The app over a stored run: the same screens, fed from the file at any speed; nothing in it changes anything."""

from pathlib import Path
from typing import Any

from pada_local.errors import UsageError
from tui import actions
from tui.app import PadaApp
from tui.door import Door
from tui.feed import Feed
from tui.replay import ReplayDoor, ReplayFeed
from tui.screens.dialogs import Page

LINE_SECONDS = 0.5
EXPLAINED = (
    "This is a replay: what you see happened before and is stored in the project file. The run's screen shows each moment as it "
    "was. The other screens show what the file holds today, so patterns and samples of later rounds are there from the start.\n\n"
    "space pauses and plays, + and - change the speed, . goes to the next stage, > to the end, < to the start. Keys that would "
    "change the project say that they do not."
)


class ReplayApp(PadaApp):
    """`pada replay FILE RUN`."""

    TITLE = "REPLAY"
    BINDINGS = actions.bindings_of(actions.REPLAY)

    def __init__(self, path: Path, run: str, speed: float = 1.0) -> None:
        super().__init__(path)
        self._run, self._speed = run, speed

    def on_mount(self) -> None:
        self.set_interval(LINE_SECONDS, self._tell_place)

    def make_door(self, path: Path) -> Door:
        return ReplayDoor(path)

    def make_feed(self, door: Door) -> Feed:
        return ReplayFeed(door, self.post_message, self._run, self._speed)

    def actions_of(self, screen: str) -> list[actions.Action]:
        useful = [one for one in super().actions_of(screen) if (one.screen, one.call) not in actions.CHANGES]
        return [*actions.REPLAY, *useful]

    def open_project(self, path: Path) -> None:
        """Only the project that is replayed."""
        if self.door is None and path == self.path:
            super().open_project(path)
        else:
            self.complain(UsageError("This is a replay of one run.", "Leave it to open another project: pada tui FILE"))

    async def run_action(self, action: Any, default_namespace: Any = None, namespaces: Any = None) -> bool:
        """Keys and palette alike: what would change something says why it does not."""
        name = action.partition("(")[0].rpartition(".")[2] if isinstance(action, str) else ""
        if (getattr(self.screen, "NAME", ""), name) in actions.CHANGES:
            file = self.path.name if self.path else "FILE"
            self.complain(
                UsageError("This is a replay of a stored run: nothing can be changed.", f"Open it with: pada tui {file}")
            )
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def _tell_place(self) -> None:
        if isinstance(self.feed, ReplayFeed):
            self.title = self.feed.place.in_words()

    # --- actions

    def action_leave(self) -> None:
        """Nobody is asked: a replay leaves no run behind."""
        self._go_away()

    def action_explain(self) -> None:
        told = getattr(self.screen, "EXPLAINED", "")
        self.push_screen(Page("What this screen shows, in a replay", f"{told}\n\n{EXPLAINED}"))

    def action_replay(self, what: str) -> None:
        """One of the replay's keys."""
        feed = self.feed
        if not isinstance(feed, ReplayFeed):
            return
        if what in ("faster", "slower"):
            feed.change_speed(2.0 if what == "faster" else 0.5)
        elif what == "pause":
            feed.pause_or_play()
        else:
            feed.leap(what)
        self._tell_place()


def show_replay(path: Path, run: str, speed: float) -> int:
    """Open the app on a stored run and stay in it; returns the exit code. Raises PadaError when the app broke."""
    return ReplayApp(path, run, speed).stay()
