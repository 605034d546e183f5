"""A stored run played again: a door that only looks, and a feed in the live feed's place whose events come from the file."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from textual.message import Message

from pada_local import events
from pada_local.errors import PadaError
from tui.door import Door
from tui.feed import RETRY_SECONDS, Feed, Moved, Seen

SLOWEST, FASTEST = 1 / 8, 4096.0


class ReplayDoor(Door):
    """Asks what screens ask; the host answers none of its questions by a change, whoever has the project open."""

    def ask(self, op: str, **words: Any) -> Any:
        return super().ask(op, looking=True, **words)


class Place(msgspec.Struct, frozen=True):
    """Where a replay stands: `done` of `count` events, `moment` of `seconds` of the run's own time."""

    done: int = 0
    count: int = 0
    moment: float = 0.0
    seconds: float = 0.0
    speed: float = 1.0
    paused: bool = False

    def in_words(self) -> str:
        """One line for the top of every screen."""
        state = "at the end" if self.count and self.done == self.count else "paused" if self.paused else "playing"
        where = f"{_clock(self.moment)} of {_clock(self.seconds)}"
        return f"REPLAY {state}, event {self.done} of {self.count}, {where}, speed x{self.speed:g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ReplayFeed(Feed):
    """Folds the stored events of one run at their own pace times `speed`. Its controls may be called from any thread."""

    def __init__(self, door: Door, post: Callable[[Message], object], run: str, speed: float = 1.0) -> None:
        super().__init__(door, post)
        self._run, self._speed = run, min(max(speed, SLOWEST), FASTEST)
        self._change = threading.Condition()
        self._waiting: deque[tuple[int, float, str]] = deque()
        self._paused = self._again = False
        self._leap = ""  # stage: on to where the next stage starts; end: all that is left
        self._done = self._count = 0
        self._seconds = self._moment = 0.0
        self._looked = time.monotonic()

    # --- controls

    @property
    def place(self) -> Place:
        """Where it stands now."""
        with self._change:
            if self._done < self._count:
                self._move_clock()
            moment = min(self._moment, self._seconds)
            return Place(self._done, self._count, moment, self._seconds, self._speed, self._paused)

    def change_speed(self, factor: float) -> None:
        """Faster or slower from here on."""
        with self._change:
            self._move_clock()
            self._speed = min(max(self._speed * factor, SLOWEST), FASTEST)
            self._change.notify()

    def pause_or_play(self) -> None:
        with self._change:
            self._move_clock()
            self._paused = not self._paused
            self._change.notify()

    def leap(self, to: str) -> None:
        """`to` is stage (the next one's start), end, or start (of the run)."""
        with self._change:
            self._again, self._leap = to == "start", "" if to == "start" else to
            self._change.notify()

    def end(self) -> None:
        super().end()
        with self._change:
            self._change.notify()

    # --- the thread

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._load()
            except PadaError:
                self._over.wait(RETRY_SECONDS)  # the host was lost or is busy: the next try asks from here on
                continue
            if self._wait_for_next():
                self._play_next()

    def _load(self) -> None:
        """The next page, when the last one is played."""
        if self._waiting or (self._count and self._done >= self._count):
            return
        page = self._door.ask("stored_events", run=self._run, since=self._since)
        self._waiting.extend((seq, moment, body) for seq, moment, body in page["events"])
        with self._change:
            # A run that still goes on ends, for its replay, where the last page ends.
            self._count = page["count"] if self._waiting else self._done
            self._seconds = page["seconds"]
            if not self._done:
                self._looked = time.monotonic()

    def _wait_for_next(self) -> bool:
        """True when the next event is due; False when there is something else to do first."""
        with self._change:
            while not self._over.is_set():
                if self._again:
                    self._start_again()
                    return False
                if not self._waiting:
                    self._leap = ""
                    if self._done < self._count:
                        return False
                    self._change.wait()
                elif self._leap:
                    return True
                else:
                    self._move_clock()
                    left = (self._waiting[0][1] - self._moment) / self._speed
                    if left <= 0 and not self._paused:
                        return True
                    self._change.wait(None if self._paused else left)
        return False

    def _play_next(self) -> None:
        seq, moment, body = self._waiting.popleft()
        event = events.decode(body)
        with self._change:
            self._done += 1
            self._since = seq + 1
            if self._leap or self._done == self._count:
                self._moment, self._looked = moment, time.monotonic()
            if self._leap == "stage" and isinstance(event, events.StageStarted | events.StageSkipped):
                self._leap = ""
        self.fold(event)

    def _start_again(self) -> None:
        self._waiting.clear()
        self._again = False
        self._done = self._since = 0
        self._moment, self._looked, self._seen = 0.0, time.monotonic(), Seen()
        self._post(Moved(self))

    def _move_clock(self) -> None:
        """The run's own time goes on with the person's, times speed, unless paused."""
        now = time.monotonic()
        if not self._paused:
            self._moment += (now - self._looked) * self._speed
        self._looked = now
