"""One answer of the playground on its way to the screen: a thread folds its pieces, the screen gets a message per batch."""

import threading
from collections.abc import Callable

import msgspec
from textual.message import Message

from pada_local.errors import PadaError
from pada_local.teacher.protocol import Heard, hear
from tui.door import Door

STOPPED = "It was stopped."


class Spoke(Message):
    """More was said; `answer.take()` is what has been said so far."""

    def __init__(self, answer: "Answer") -> None:
        super().__init__()
        self.answer = answer


class Answer(threading.Thread):
    """Asks one of base, round and teacher, on a connection of its own, until the answer has ended or is hushed."""

    def __init__(self, door: Door, prompt: str, who: str, run: str, post: Callable[[Message], object]) -> None:
        super().__init__(name=f"answer of {who}", daemon=True)
        self._door, self._question, self._post = door, (prompt, who, run), post
        self._over, self._told = threading.Event(), threading.Event()
        self._hush: Callable[[], None] = lambda: None
        self._heard = Heard()
        self.error: PadaError | None = None
        """Why there is no answer, or no more of it."""

    @property
    def goes_on(self) -> bool:
        """Whether more may come."""
        return self._heard.ended is None and self.error is None

    def hush(self) -> None:
        """End it, at any time and from any thread; what was said stays said."""
        self._over.set()
        self._hush()

    def take(self) -> Heard:
        """What has been said so far; what comes from here on is told again."""
        self._told.clear()
        return self._heard

    def run(self) -> None:
        try:
            with self._door.visit() as session:
                if not self._over.is_set():
                    self._hush = session.hush
                    for piece in session.talk(*self._question):
                        if self._over.is_set() and piece.kind != "end":
                            session.hush()  # again: before the question had arrived there was nothing to end
                        self._fold(hear(self._heard, piece))
        except PadaError as error:
            self.error = error
        if self.goes_on:
            self._heard = msgspec.structs.replace(self._heard, ended=STOPPED, note="")
        self._fold(self._heard)

    def _fold(self, heard: Heard) -> None:
        self._heard = heard
        if not self._told.is_set() and not self._door.closed:
            self._told.set()
            self._post(Spoke(self))
