"""Lines to type that say while one types what is wrong with them; paths with completion; work with a bar and a way out."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pada_local.errors import Interrupted, PadaError
from pada_local.runtime.safe import safe_line
from tui.plain import block

MOST_READ, MOST_SHOWN = 5000, 8
SHOW_SECONDS = 0.1


class Checked(ModalScreen[str | None]):
    """One line; `check` gives a sentence for what is wrong with it, and only a line without one can be taken."""

    BINDINGS = [Binding("escape", "close", "close")]

    def __init__(self, title: str, value: str, check: Callable[[str], str]) -> None:
        super().__init__()
        self._head, self._value, self._check = title, value, check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(block(self._head, "bold"))
            yield self.line()
            yield Static(id="wrong", classes="note")

    def line(self) -> Input:
        """What is typed into."""
        return Input(safe_line(self._value), select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.told(self._value)

    def told(self, text: str) -> str:
        """Show below the line what is wrong with it; returns that."""
        wrong = self._check(text.strip())
        self.query_one("#wrong", Static).update(block(f"✗ {wrong}" if wrong else "✓ Enter takes it, Escape leaves."))
        return wrong

    def on_input_changed(self, event: Input.Changed) -> None:
        self.told(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not self.told(event.value):
            self.dismiss(event.value.strip())

    def action_close(self) -> None:
        self.dismiss(None)


class _Path(Input):
    """Tab completes instead of leaving."""

    BINDINGS = [Binding("tab", "screen.complete", "complete")]


class PathLine(Checked):
    """The path of something there; Tab completes it as a shell would, and what fits is listed below."""

    def __init__(self, title: str, fits: Callable[[Path], bool], value: str = "") -> None:
        super().__init__(title, value, lambda text: "" if _lies_there(text) else "Nothing lies there yet.")
        self._fits = fits

    def line(self) -> Input:
        return _Path(safe_line(self._value), select_on_focus=False)

    def told(self, text: str) -> str:
        wrong = self._check(text.strip())
        found = [os.path.basename(one.rstrip("/")) + "/" * one.endswith("/") for one in completions(text, self._fits)]
        more = f"   … {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        state = f"✗ {wrong}" if wrong else "✓ Enter takes it."
        self.query_one("#wrong", Static).update(block(f"{state}   Tab completes:\n{'   '.join(found[:MOST_SHOWN])}{more}"))
        return wrong

    def action_complete(self) -> None:
        line = self.query_one(Input)
        found = completions(line.value, self._fits)
        if found:
            line.value = found[0] if len(found) == 1 else os.path.commonprefix(found)
            line.cursor_position = len(line.value)


def _lies_there(text: str) -> bool:
    try:
        return bool(text) and Path(text).expanduser().exists()
    except (RuntimeError, OSError, ValueError):  # ~ of nobody, a folder that may not be entered, no path at all
        return False


def completions(text: str, fits: Callable[[Path], bool]) -> list[str]:
    """What the beginning of a path can become, written as it was begun; folders end in a slash. Hidden ones only when asked for.

    Names that a terminal cannot show as they are cannot be typed either, and are left out.
    """
    above, _, begun = text.rpartition("/")
    found = []
    try:
        folder = Path(f"{above}/" if "/" in text else ".").expanduser()
        with os.scandir(folder) as entries:
            for _, entry in zip(range(MOST_READ), entries, strict=False):
                shown = entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
                if shown and safe_line(entry.name) == entry.name and (entry.is_dir() or fits(Path(entry.path))):
                    found.append(text[: len(text) - len(begun)] + entry.name + "/" * entry.is_dir())
    except (OSError, ValueError, RuntimeError):  # no such folder, not to be read, or no path at all
        return []
    return sorted(found)


def refusable(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same work; what the system refuses it is told as an error of this program is. Raises PadaError."""

    def done() -> Any:
        try:
            return work()
        except OSError as error:
            raise PadaError("The system refused something.", str(error), "Check the folder and its permissions.") from None

    return done


class Working(ModalScreen[Any]):
    """Does a job in a thread and shows how far it is; Escape ends it. Gives the job's answer, or None when there is none.

    The job gets a function to tell bytes done and bytes in all; when the person wants out, that function raises.
    """

    BINDINGS = [Binding("escape", "cancel", "cancel")]

    def __init__(self, title: str, job: Callable[[Callable[[int, int], None]], Any]) -> None:
        super().__init__()
        self._head, self._job = title, job
        self._over = threading.Event()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(block(self._head, "bold"))
            yield Static(block("Looking at the file …"), id="bar")
            yield Static(block("Escape ends it; nothing is kept then."), classes="note")

    def on_mount(self) -> None:
        self._run()

    def on_unmount(self) -> None:
        self._over.set()

    def action_cancel(self) -> None:
        self._over.set()
        self.query_one("#bar", Static).update(block("Ending …"))

    @work(thread=True, exit_on_error=False)
    def _run(self) -> None:
        shown = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal shown
            if self._over.is_set():
                raise Interrupted("Ended before it was done.", "Nothing was kept.")
            if time.monotonic() - shown > SHOW_SECONDS:
                shown = time.monotonic()
                self.app.call_from_thread(self._show, done, total)

        try:
            answer = refusable(lambda: self._job(tell))()
        except PadaError as error:
            self.app.call_from_thread(self._ended, None, error)
        else:
            self.app.call_from_thread(self._ended, answer, None)

    def _show(self, done: int, total: int) -> None:
        if self.is_mounted and not self._over.is_set():
            share = done / max(1, total)
            told = f"[{'#' * round(30 * share):30}] {share:4.0%}   {done // 2**20:,} of {total // 2**20:,} MiB hashed"
            self.query_one("#bar", Static).update(block(told))

    def _ended(self, answer: Any, error: PadaError | None) -> None:
        if error is not None:
            self.app.complain(error)  # type: ignore[attr-defined]
        if self.is_mounted:
            self.dismiss(answer)
