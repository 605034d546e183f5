"""Events of a project on their way to the screen: a thread folds them, the app gets one message per batch."""

import threading
from collections.abc import Callable

import msgspec
from textual.message import Message

from pada_local import events
from pada_local.errors import PadaError
from pada_local.runtime.safe import safe_line
from tui.door import Door

RETRY_SECONDS = 1.0
SHOWN = 200
"""Lines of the last events that are kept."""


class Seen(msgspec.Struct, frozen=True):
    """What a screen shows of a run: the folded view, the last events in words, what is used of the machine."""

    view: events.RunView = events.RunView()
    lines: tuple[str, ...] = ()
    resources: events.Resources | None = None
    trained_per_s: float = 0.0

    @property
    def milestone(self) -> tuple[object, ...]:
        """Changes whenever the file holds something new that a screen may have to ask for."""
        done = sum(stage.state != "running" for stage in self.view.stages)
        return (self.view.run_id, self.view.state, self.view.round, done, len(self.view.scores))


class Moved(Message):
    """The run moved on; `feed.take()` is how it stands."""

    def __init__(self, feed: "Feed") -> None:
        super().__init__()
        self.feed = feed


def apply(seen: Seen, event: events.Event) -> Seen:
    """The picture after the event: a pure function, so that a screen that opens late shows what an early one shows."""
    told = safe_line(_in_words(event), 400)
    return Seen(
        view=events.apply(seen.view, event),
        lines=(*seen.lines, told)[-SHOWN:] if told else seen.lines,
        resources=event if isinstance(event, events.Resources) else seen.resources,
        trained_per_s=event.tokens_per_s if isinstance(event, events.TrainStep) else seen.trained_per_s,
    )


def _in_words(event: events.Event) -> str:
    match event:
        case events.StageStarted():
            return f"round {event.round}: {event.stage} starts"
        case events.StageDone():
            counts = ", ".join(f"{count} {name}" for name, count in event.counts.items())
            return f"round {event.round}: {event.stage} done in {event.elapsed_s:.1f} s; {counts}"
        case events.StageSkipped():
            return f"round {event.round}: {event.stage} kept from before"
        case events.RoundScored():
            return f"round {event.round}: validation {event.mean:.3f} [{event.low:.3f}, {event.high:.3f}]"
        case events.NeedsReview():
            return f"round {event.round}: {event.waiting} {event.what} wait for you"
        case events.RunStarted():
            return f"run {event.run_id[:10]} {'goes on' if event.resumed else 'starts'}: {event.recipe}, seed {event.seed}"
        case events.RunDone():
            return f"run done: {event.reason}"
        case events.RunHeld():
            return event.message
        case events.RunFailed():
            return f"{event.title} {event.detail}"
        case events.ModelLoading():
            return f"loading {event.role} {event.model}"
        case events.Note():
            return event.text
    return ""


class Feed(threading.Thread):
    """Follows one project until told to end: what is stored, then what comes, run after run.

    However many events come, one message is on its way at a time: who takes it gets the newest picture.
    """

    def __init__(self, door: Door, post: Callable[[Message], object]) -> None:
        super().__init__(name="feed", daemon=True)
        self._door, self._post = door, post
        self._over, self._told = threading.Event(), threading.Event()
        self._seen = Seen()
        self._since = 0

    def end(self) -> None:
        """Say no more; the thread itself ends with its next event or with the app."""
        self._over.set()

    def take(self) -> Seen:
        """How the run stands now; what comes from here on is told again."""
        self._told.clear()
        return self._seen

    def run(self) -> None:
        while not self._over.is_set():
            try:
                for count, (number, event) in enumerate(self._door.events(self._since), 1):
                    self._since = number + 1
                    self.fold(event, tell=count >= self._door.backlog)
                    if self._over.is_set():
                        return
            except PadaError:
                pass  # the host is gone or busy: what it did is stored, and the next try reads on
            self._over.wait(RETRY_SECONDS)

    def fold(self, event: events.Event, tell: bool = True) -> None:
        """The picture with one more event; without `tell` nobody hears of it before the next one."""
        self._seen = apply(self._seen, event)
        if tell and not self._told.is_set() and not self._over.is_set():
            self._told.set()
            self._post(Moved(self))
