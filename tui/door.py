"""One project's host, seen from the app: questions from any thread, one at a time; events on a connection of their own."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pada_local import events
from pada_local.errors import Interrupted, PadaError
from pada_local.session import Session


class Door:
    """Opens when it is first needed, and again when the host was lost. The host ends when nobody looks and nothing runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session: Session | None = None
        self._listening: Session | None = None
        self._guests: set[Session] = set()
        self.closed = False
        self._lock = threading.Lock()

    def ask(self, op: str, **words: Any) -> Any:
        """One question. Raises PadaError."""
        with self._lock:
            for again in (True, False):
                try:
                    if self._session is None:
                        self._session = Session.start_host(self.path)
                    return self._session.ask(op, **words)
                except Interrupted:
                    self._shut()
                    if not again:
                        raise
        raise AssertionError("the loop above returns or raises")

    def knock(self) -> None:
        """Have the host started, in a thread, while something else is done; a refusal is told to whoever asks next."""

        def knocked() -> None:
            with contextlib.suppress(PadaError):
                self.ask("ping")

        threading.Thread(target=knocked, name="knock", daemon=True).start()

    def status(self) -> dict[str, Any]:
        """Settings, counts, runs, and what goes on."""
        return self.ask("status")

    def rows(self, kind: str, **where: Any) -> list[dict[str, Any]]:
        """All rows of one kind; only for kinds of which a screen shows all."""
        return self.ask("rows", kind=kind, where=where)

    def decide(self, run_id: str, subject: str, action: str, **words: str) -> dict[str, Any]:
        """One decision of a person (see `pada_local.review`)."""
        return self.ask("decide", run=run_id, subject=subject, action=action, words=words)

    def events(self, since: int) -> Iterator[tuple[int, events.Event]]:
        """Stored events from a number on, then live ones, until `close`."""
        with Session.start_host(self.path) as session:
            self._listening = session
            if not self.closed:
                yield from session.events(since, forever=True)

    @contextlib.contextmanager
    def visit(self) -> Iterator[Session]:
        """A connection of one's own, for what takes long; `close` ends what is read there. Raises PadaError."""
        with Session.start_host(self.path) as session:
            self._guests.add(session)
            try:
                if self.closed:
                    session.hang_up()
                yield session
            finally:
                self._guests.discard(session)

    @property
    def backlog(self) -> int:
        """How many of the events that `events` gives had been stored before."""
        return self._listening.backlog if self._listening is not None else 0

    def close(self) -> None:
        """Leave the host: it may end, and whoever reads events here is woken."""
        self.closed = True
        for reading in filter(None, [self._listening, *self._guests]):
            reading.hang_up()
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
