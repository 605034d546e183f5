"""Events of a project on their way to the screen: a thread folds them, the app gets one message per batch."""

import threading
import time
from collections.abc import Callable

import msgspec
from textual.message import Message

from pada_local import events
from pada_local.errors import PadaError
from tui.door import Door

BATCH_SECONDS = 0.1
RETRY_SECONDS = 1.0
SHOWN = 200
"""Lines of the last events that are kept."""


class Seen(msgspec.Struct, frozen=True):
    """What a screen shows of a run: the folded view, the last events in words, what is used of the machine."""

    view: events.RunView = events.RunView()
    lines: tuple[str, ...] = ()
    resources: events.Resources | None = None


class Moved(Message):
    """The run moved on; `seen` is how it stands."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen


class Ended(Message):
    """The host has nothing more to say until a run is started."""


def apply(seen: Seen, event: events.Event) -> Seen:
    """The picture after the event: a pure function, so that a screen that opens late shows what an early one shows."""
    told = _in_words(event)
    lines = (*seen.lines, told)[-SHOWN:] if told else seen.lines
    resources = event if isinstance(event, events.Resources) else seen.resources
    return Seen(view=events.apply(seen.view, event), lines=lines, resources=resources)


def _in_words(event: events.Event) -> str:
    match event:
        case events.StageStarted():
            return f"round {event.round}: {event.stage} starts"
        case events.StageDone():
            counts = ", ".join(f"{count} {name}" for name, count in event.counts.items())
            return f"round {event.round}: {event.stage} done in {event.elapsed_s:.1f} s; {counts}"
        case events.RoundScored():
            return f"round {event.round}: validation {event.mean:.3f} [{event.low:.3f}, {event.high:.3f}]"
        case events.NeedsReview():
            return f"round {event.round}: {event.waiting} {event.what} wait for you"
        case events.RunStarted():
            return f"run {event.run_id[:10]} {'goes on' if event.resumed else 'starts'}: {event.recipe}, seed {event.seed}"
        case events.RunDone():
            return f"run done: {event.reason}"
        case events.RunFailed():
            return f"{event.title} {event.detail}"
        case events.ModelLoading():
            return f"loading {event.role} {event.model}"
        case events.Note():
            return event.text
    return ""


class Feed(threading.Thread):
    """Follows one project until told to end."""

    def __init__(self, door: Door, post: Callable[[Message], object]) -> None:
        super().__init__(name="feed", daemon=True)
        self._door, self._post = door, post
        self._over = threading.Event()
        self.seen = Seen()
        self._since = 0

    def end(self) -> None:
        """Say no more; the thread itself ends with its next event or with the app."""
        self._over.set()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._follow()
            except PadaError:
                pass  # the host is gone or busy: what it did is stored, and the next try reads on
            self._tell(Ended())
            self._over.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        told = 0.0
        for number, event in self._door.events(self._since):
            if self._over.is_set():
                return
            self._since, self.seen = number + 1, apply(self.seen, event)
            # Losses come by the hundred: a screen is told ten times a second, and always about anything else.
            if time.monotonic() - told >= BATCH_SECONDS or not isinstance(event, events.TrainStep | events.StageProgress):
                told = time.monotonic()
                self._tell(Moved(self.seen))
        self._tell(Moved(self.seen))

    def _tell(self, message: Message) -> None:
        if not self._over.is_set():
            self._post(message)
