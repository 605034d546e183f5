"""Everything that the command prints: data on stdout, talk and progress on stderr, both through `safe`."""

import json
import sys
import time
from typing import Any

from pada_local import events
from pada_local.errors import PadaError
from pada_local.runtime.safe import safe, safe_line
from pada_local.runtime.safe import table as table


def data(text: object) -> None:
    """A line (or lines) of what was asked for."""
    sys.stdout.write(safe(text) + "\n")


def flow(text: object) -> None:
    """A part of a line of what was asked for, at once."""
    sys.stdout.write(safe(text))
    sys.stdout.flush()


def facts(value: Any) -> None:
    """Facts as JSON; escapes keep every byte harmless."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, indent=2, allow_nan=False) + "\n")


def fact_line(value: Any) -> None:
    """One JSON object on a line of its own, at once: somebody may be following."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: object) -> None:
    """A line for the person at the terminal."""
    sys.stderr.write(safe(text) + "\n")


def flush() -> None:
    """What was said so far reaches whoever reads it, though the command goes on for hours."""
    sys.stdout.flush()


def complain(error: PadaError) -> None:
    """An error as sentences."""
    say("\n".join(part for part in (error.title, error.detail, error.fix) if part))


class Progress:
    """What a run says to a person: one moving line on a terminal, one line per finished stage elsewhere."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._width = 0
        self._stage: tuple[int, str, int] | None = None
        self._began = (time.monotonic(), 0)

    def show(self, event: events.Event) -> None:
        """Tell the event, if it is one that a person wants to hear of."""
        match event:
            case events.RunStarted():
                verb = "goes on" if event.resumed else "starts"
                self._line(f"run {event.run_id} {verb}: recipe {event.recipe}, seed {event.seed}, up to {event.rounds} rounds")
            case events.TrainStep():
                rest = self._rest(event.round, "train", 0, event.step, event.steps)
                self._move(f"round {event.round}  train  step {event.step} of {event.steps}  loss {event.loss:.3f}{rest}")
            case events.StageStarted():
                self._move(f"round {event.round}  {event.stage}")
            case events.StageProgress():
                rest = self._rest(event.round, event.stage, 0, event.done, event.total)
                self._move(f"round {event.round}  {event.stage}  {event.done} of {event.total}{rest}  {event.note}")
            case events.StageDone():
                counts = ", ".join(f"{value} {name}" for name, value in event.counts.items())
                wave = f" (wave {event.wave})" if event.wave else ""
                self._line(f"round {event.round}  {event.stage}{wave}  {event.elapsed_s:.1f} s  {counts}")
            case events.StageSkipped():
                self._line(f"round {event.round}  {event.stage}  kept from before")
            case events.RoundScored():
                score = f"{event.metric} {event.mean:.3f} [{event.low:.3f}, {event.high:.3f}] n={event.n}"
                self._line(f"round {event.round}  validation {score}")
            case events.ModelLoading():
                self._move(f"loading {event.role} {event.model}")
            case events.Note():
                self._line(event.text)
            case events.RunDone():
                test = "" if event.test_mean is None else f", test {event.test_mean:.3f}"
                self._line(f"run {event.run_id} is done: champion is round {event.champion_round}{test}. {event.reason}")
            case events.RunFailed():
                self._line("\n".join(part for part in (event.title, event.detail, event.fix) if part))

    def end(self) -> None:
        """Leave no half line behind."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            self._width = 0

    def _line(self, text: str) -> None:
        self.end()
        say(text.rstrip())

    def _move(self, text: str) -> None:
        if not self._moving:
            return
        line = safe_line(text, 78)
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def _rest(self, round_number: int, stage: str, wave: int, done: int, total: int) -> str:
        """The time left in this stage at the pace seen so far; nothing until there is a pace."""
        now = time.monotonic()
        if self._stage != (round_number, stage, wave):
            self._stage, self._began = (round_number, stage, wave), (now, done)
        elapsed, fresh = now - self._began[0], done - self._began[1]
        if elapsed < 1 or fresh <= 0 or done >= total:
            return ""
        left = elapsed / fresh * (total - done)
        return f"  about {left:.0f} s left" if left < 90 else f"  about {left / 60:.0f} min left"


class Bar:
    """A bar on a terminal for work on many rows; nothing elsewhere."""

    def __init__(self) -> None:
        self._moving, self._width = sys.stderr.isatty(), 0
        self._what, self._began, self._last = "", 0.0, 0.0

    def show(self, what: str, rows: int, share: float, unit: str = "rows") -> None:
        """Draw it anew, at most ten times a second. `share` is what is done, from 0 to 1; 0 when it is not known."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._last = what, now, 0.0
        if not self._moving or now - self._last < 0.1:
            return
        self._last = now
        done, elapsed = min(max(share, 0.0), 1.0), now - self._began
        left = f"  about {elapsed / done * (1 - done):.0f} s left" if done and elapsed > 1 else ""
        bar = f"[{'#' * round(20 * done):20}] {done:4.0%}  " if done else ""
        self.tell(f"{bar}{what}  {rows:,} {unit}{left}")

    def tell(self, text: str) -> None:
        """A moving line of other words; nothing where nobody looks."""
        if self._moving:
            line = safe_line(text, 78)
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)

    def end(self) -> None:
        """Leave no half line behind."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            self._width = 0
