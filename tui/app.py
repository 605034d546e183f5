"""The app: one project at most, its screens, and the way out that never leaves a run without an owner."""

import asyncio
import gc
import os
import shutil
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual import events, work
from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.css.query import NoMatches
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer

from pada_local.errors import PadaError
from pada_local.runtime.safe import safe
from tui import actions, glyphs, kept, panels, reasons
from tui.door import Door
from tui.feed import Feed, Moved, Seen
from tui.loading import SCREENS
from tui.screens.base import ProjectScreen, broken
from tui.screens.dialogs import Page, Question
from tui.screens.jump import Jump, panels_of
from tui.themes import THEMES

SHOW_SECONDS = 0.1
LATEST_SECONDS = 0.5
"""How long a picture of the run may wait for keys."""
RELOAD_SECONDS = 1.0
FIT_SECONDS = 0.5
STILL_SECONDS = 0.15
LOAD_REST_SECONDS = 1.0
LEAVE = [("keep", "Leave it running"), ("pause", "Pause it"), ("stop", "Stop it and its host"), ("", "Stay here")]


class Commands(Provider):
    """The palette: every action of the screen that is shown; one that cannot be taken now says why."""

    def _found(self) -> list[tuple[actions.Action, str]]:
        app: PadaApp = self.app  # type: ignore[assignment]
        found = [(one, reasons.why_not(app, one)) for one in app.actions_of(getattr(self.screen, "NAME", ""))]
        return sorted(found, key=lambda one: bool(one[1]))

    async def discover(self) -> Hits:
        for action, why in self._found():
            yield DiscoveryHit(action.name, self._doing(action, why), help=_told(action, why))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, why in self._found():
            if (score := matcher.match(action.name)) > 0:
                yield Hit(score, matcher.highlight(action.name), self._doing(action, why), help=_told(action, why))

    def _doing(self, action: actions.Action, why: str):
        screen, call = self.screen, action.call

        async def do() -> None:
            if why:
                screen.notify(why, severity="warning", markup=False)
            else:
                await screen.run_action(call if hasattr(screen, f"action_{call.partition('(')[0]}") else f"app.{call}")

        return do


def _told(action: actions.Action, why: str) -> str:
    return f"Not now: {why}" if why else action.help


def _made(name: str) -> Screen:
    return SCREENS[name]()


def _look_for_garbage_again() -> None:
    """What there is after the first picture stays: looking through it each time would hold up keys."""
    gc.freeze()
    gc.enable()


class PadaApp(App[int]):
    """`pada` without words opens it at home, `pada tui FILE` at the project's run."""

    TITLE = "PaDA Local"
    CSS_PATH = "pada.tcss"
    COMMANDS = {Commands}
    BINDINGS = actions.bindings("")
    FIRST = actions.RUN
    """What is shown of a project that is opened."""
    SCREENS = {name: partial(_made, name) for name in SCREENS}

    def __init__(self, path: Path | None = None, door: Door | None = None) -> None:
        """`door` is one to the project at `path` that somebody knocks at already."""
        super().__init__()
        self.path = path
        self._first_door = door
        self._opened_at = ""  # the screen that was shown when the project was asked for
        self._visited: set[str] = set()
        self.door: Door | None = None
        self.feed: Feed | None = None
        self.seen = Seen()
        self.handed: tuple[str, str] | None = None
        self._shown_at = self._key_at = self._reloaded_at = 0.0
        self._reload_timer: Timer | None = None
        self._still_timer: Timer | None = None
        self._ascii = [glyphs.Ascii()] if glyphs.needed(os.environ) else []

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._ascii]

    def get_default_screen(self) -> Screen:
        """The first one: at a project its run, else home. Textual would draw an empty one below it."""
        name = actions.HOME if self.path is None else self.FIRST
        self._visited.add(name)
        screen = self.get_screen(name)
        screen._push_result_callback(screen, None)  # what push_screen does, and switch_screen takes back
        return screen

    @property
    def base_screen(self) -> Screen:
        """The screen below palette and dialogs."""
        return next((one for one in reversed(self.screen_stack) if hasattr(one, "NAME")), self.screen)

    @property
    def shown(self) -> str:
        """The name of the screen below palette and dialogs; "" before there is one."""
        return getattr(self.base_screen, "NAME", "")

    def on_mount(self) -> None:
        if not self.is_headless:
            for ended_by in (signal.SIGINT, signal.SIGTERM):  # the terminal is put back as it was, and the run goes on
                asyncio.get_running_loop().add_signal_handler(ended_by, self._go_away)
            self.set_interval(FIT_SECONDS, self._fit)
        for theme in THEMES:
            self.register_theme(theme)
        names = [theme.name for theme in THEMES]
        chosen = kept.read().theme
        self.theme = chosen if chosen in names else names[0]
        if self.path is not None:
            self.open_project(self.path)

    def on_ready(self) -> None:
        if not self.is_headless:
            self.call_after_refresh(_look_for_garbage_again)
            self.set_timer(LOAD_REST_SECONDS, self._load_rest)

    @work(thread=True, group="load")
    def _load_rest(self) -> None:
        """The screens that were not shown yet, so that the first key to one of them need not wait for it."""
        for name in SCREENS:
            SCREENS[name]

    # --- the project

    def open_project(self, path: Path) -> None:
        """Look at another project; the one before goes on by itself."""
        self._close_project()
        self.path, self.door, self.seen, self._opened_at = path, self.make_door(path), Seen(), self.shown
        self._knock(self.door)

    @work(thread=True, exclusive=True, group="open")
    def _knock(self, door: Door) -> None:
        try:
            door.ask("ping")
        except PadaError as error:
            self.call_from_thread(self._not_opened, door, error)
            return
        self.call_from_thread(self._opened, door)

    def _opened(self, door: Door) -> None:
        if door is not self.door:
            return
        self.sub_title = safe(door.path.name)
        self.feed = self.make_feed(door)
        self.feed.start()
        if self.shown in reasons.WITHOUT_PROJECT:
            if self.shown == self._opened_at:  # who went elsewhere meanwhile stays there
                self.action_go(self.FIRST)
        elif self.base_screen.is_mounted:  # else it asks by itself
            self.base_screen.reload()  # type: ignore[attr-defined]

    def _not_opened(self, door: Door, error: PadaError) -> None:
        self.complain(error)
        if door is not self.door:
            return
        self._close_project()
        if self.shown not in reasons.WITHOUT_PROJECT:
            self.action_go(actions.HOME)

    def make_door(self, path: Path) -> Door:
        """The way to the project's host."""
        first, self._first_door = self._first_door, None
        return first if first is not None and first.path == path else Door(path)

    def make_feed(self, door: Door) -> Feed:
        """Where the run's events come from."""
        return Feed(door, self.post_message)

    @property
    def opening(self) -> bool:
        """Whether a project's host is being started; screens ask it when it answers."""
        return self.door is not None and self.feed is None

    def actions_of(self, screen: str) -> list[actions.Action]:
        """What can be done on a screen: for the palette and the list of keys."""
        return actions.of_screen(screen)

    def _close_project(self) -> None:
        if self.feed is not None:
            self.feed.end()
        if self.door is not None:
            self.door.close()
        self.door = self.feed = None

    def on_moved(self, message: Moved) -> None:
        """Show how the run stands, ten times a second at most: the keys of the person come first."""
        if message.feed is self.feed:
            self.set_timer(max(0.001, self._shown_at + SHOW_SECONDS - time.monotonic()), self._show_seen)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self._key_at = time.monotonic()
        await super().on_event(event)

    def _show_seen(self) -> None:
        now = time.monotonic()
        if self.feed is None or not self.screen_stack:  # the app may be about to end
            return
        if now - self._key_at < SHOW_SECONDS and now - self._shown_at < LATEST_SECONDS:
            self.set_timer(SHOW_SECONDS / 2, self._show_seen)  # what the key asked for is drawn first
            return
        self._shown_at, before, self.seen = time.monotonic(), self.seen, self.feed.take()
        if isinstance(self.screen, ProjectScreen) and self.screen.is_mounted:
            self.screen.show_seen(self.seen)
            if self.seen.milestone != before.milestone:
                self._reload()

    def _reload(self) -> None:
        """Let the screen ask again, once a second at most: stages of a fast run end faster than a list is drawn."""
        wait = self._reloaded_at + RELOAD_SECONDS - time.monotonic()
        if wait > 0:
            self._reload_timer = self._reload_timer or self.set_timer(wait, self._reload)
            return
        self._reloaded_at, self._reload_timer = time.monotonic(), None
        if isinstance(self.screen, ProjectScreen) and self.screen.is_mounted:
            self.screen.reload()

    def on_resize(self, event: events.Resize) -> None:
        """Draw everything once more when the window is still.

        Textual draws what a new size changes. A window that had another size for a moment and was given its own back, before
        anybody looked, seems the same, though what stood in it may be gone.
        """
        if not self.is_headless and self.screen_stack and self.screen.is_mounted:
            if self._still_timer is not None:
                self._still_timer.stop()
            self._still_timer = self.set_timer(STILL_SECONDS, self.refresh)

    def _fit(self) -> None:
        """A window that is dragged sends signals faster than they are taken, and the last one can be lost: look for oneself."""
        there = Size(*shutil.get_terminal_size())
        if there != self.size:
            self.post_message(events.Resize(there, there))
        elif self.screen_stack and self.screen.size != there:
            self.screen.post_message(events.Resize(there, there))

    def complain(self, error: PadaError) -> None:
        """An error as sentences, where it cannot be overlooked and does not stop anything."""
        text = safe("\n".join(part for part in (error.title, error.detail, error.fix) if part))
        self.notify(text, severity="error", timeout=12, markup=False)

    # --- actions

    def action_go(self, name: str) -> None:
        """Show a screen; most need a project."""
        if name not in reasons.WITHOUT_PROJECT and (why := reasons.no_project(self)):
            self.notify(why, severity="warning")
            return
        self._visited.add(name)
        if getattr(self.screen, "NAME", "") in SCREENS:
            self.switch_screen(name)
        else:
            self.push_screen(name)

    def to_playground(self, prompt: str, expected: str = "") -> None:
        """Show the playground with this prompt, and what its answer is compared with; it is asked when the person says so."""
        self.handed = (prompt, expected)
        self.action_go(actions.PLAYGROUND)

    def action_explain(self) -> None:
        told = getattr(self.screen, "EXPLAINED", "")
        name, text = panels.explained(self.screen)
        if text:
            self.push_screen(Page(f"What this panel shows: {name}", f"{text}\n\nThe screen {self.screen.NAME}\n\n{told}"))
        elif told:
            self.push_screen(Page(f"What this screen shows: {self.screen.NAME}", told))

    def action_jump(self) -> None:
        """Marks at the panels of this screen and a list of all screens; the one that is pressed gets the keyboard."""
        screen, found = self.screen, panels_of(self.screen.focus_chain)
        goals = {one.key: one.call for one in actions.ACTIONS if one.call.startswith("go(")}
        names = [(key, call.split("'")[1]) for key, call in goals.items()]
        jump = Jump([(panels.name_of(screen, panel), panel.region) for panel in found], names)
        letters = dict(zip(jump.letters, found, strict=True))

        def chosen(key: str | None) -> None:
            if key in letters:
                letters[key].focus()
            elif key:
                self.action_go(dict(names)[key])

        self.push_screen(jump, chosen)

    def action_keys(self) -> None:
        name = getattr(self.screen, "NAME", "")
        rows = [*((_shown(one.key), one.name, one.help) for one in self.actions_of(name)), *actions.MOVES]
        self.push_screen(Page(f"Keys: {name}", "\n".join(f"{key:<8} {told:<26} {help_}" for key, told, help_ in rows)))

    def action_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.notify(f"The theme is {self.theme.removeprefix('pada-')} now, and next time as well.", timeout=3)
        try:
            kept.write(kept.Kept(theme=self.theme))
        except OSError as error:
            self.complain(PadaError("The theme is not remembered.", str(error), "Make the folder writable."))

    def action_leave(self) -> None:
        if self.seen.view.state == "running" and self.door is not None:
            self.push_screen(Question("A run is going on. What becomes of it?", LEAVE), self._left)
        elif lost := self._unfinished():
            self.push_screen(Question(lost, [("", "Stay here"), ("keep", "Leave")]), self._left)
        else:
            self._go_away()

    def _unfinished(self) -> str:
        """What would be lost of a project that is being made; "" when none is."""
        return self.get_screen(actions.WIZARD).unfinished if actions.WIZARD in self._visited else ""  # type: ignore[attr-defined]

    def action_quit(self) -> None:  # type: ignore[override]
        """Ctrl-Q and the palette's own quit ask as well."""
        self.action_leave()

    def _left(self, choice: str | None) -> None:
        if choice in ("pause", "stop"):
            self._end_run(choice)
        elif choice == "keep":
            self._go_away()

    @work(thread=True)
    def _end_run(self, how: str) -> None:
        try:
            if self.door is not None:
                self.door.ask(how)
        except PadaError:
            pass  # the run has ended by itself meanwhile
        self.call_from_thread(self._go_away)

    def _go_away(self) -> None:
        self._close_project()
        self.exit(0)

    def _handle_exception(self, error: Exception) -> None:
        if isinstance(error, NoMatches) and (self._exit or not self._running):
            self.log(error)  # the app is left while a screen is still being put together: its parts will not come any more
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """An error that nobody caught: Textual would print every local variable, and with them data as it came."""
        self._close_project()
        self._close_messages_no_wait()

    def stay(self) -> int:
        """Run until left; returns the exit code. Raises PadaError when the app broke: it is only a viewer."""
        code = self.run() or 0
        if self._exception is not None:
            told = broken(self._exception)
            kept = "It is only a viewer: a run that was going on goes on. Open it again to see."
            raise PadaError("The app broke.", told.detail, kept) from self._exception
        return code


def _shown(key: str) -> str:
    return actions.SIGNS.get(key, key)


def show(path: Path | None, door: Door | None = None) -> int:
    """Open the app and stay in it; returns the exit code. A `door` to the project may be one that is knocked at already."""
    return PadaApp(path, door).stay()
