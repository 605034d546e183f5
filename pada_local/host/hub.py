"""Events on their way from the run to the file and to every viewer.

The run calls `emit` and never waits: events are numbered and queued under a short lock; a thread of the server writes them
in batches. A viewer that does not keep up is dropped and may subscribe again from the last event it saw.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from pada_local import events
from pada_local.records import EventRow

UNWRITTEN_AT_MOST = 10_000
"""More events than a run can emit between two writes."""


class EventStore(Protocol):
    """What the hub needs of a project file."""

    def put(self, *rows: EventRow) -> None: ...


class Viewer:
    """A queue that one viewer's thread empties. `dropped` is set when it was full: the thread then closes the connection."""

    def __init__(self, room: int = 20_000) -> None:
        self.waiting: queue.Queue[EventRow | dict[str, Any] | None] = queue.Queue(room)
        self.dropped = threading.Event()

    def offer(self, item: EventRow | dict[str, Any] | None) -> None:
        """Queue a row, a message or the end (None), or mark the viewer as dropped; never waits."""
        try:
            self.waiting.put_nowait(item)
        except queue.Full:
            self.dropped.set()


class Hub:
    """Numbers events, keeps those not yet written, knows the viewers and folds the current view."""

    def __init__(self, store: EventStore, stored: Callable[[int], Sequence[EventRow]], last_seq: int) -> None:
        """`stored(seq)` reads the written events from a number on; `last_seq` is the highest that is written, 0 for none."""
        self._store, self._stored = store, stored
        # A host that was killed may have shown numbers that it never wrote: they must not come again for other events.
        self._next_seq = last_seq + 1 + UNWRITTEN_AT_MOST if last_seq else 1
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._pending: dict[int, EventRow] = {}
        self._viewers: set[Viewer] = set()
        self._view: events.RunView | None = None

    @property
    def view(self) -> events.RunView:
        """What a viewer shows now; the stored events are folded when it is first asked for, since a long run has many."""
        if self._view is None:
            with self._writing:  # what waits to be written stays where it is until both have been read
                stored = self._stored(0)
                with self._lock:
                    rows = {row.seq: row for row in stored} | self._pending
                    self._view = fold([rows[seq] for seq in sorted(rows)])
        return self._view

    @property
    def next_seq(self) -> int:
        """The number that the next event gets."""
        return self._next_seq

    def emit(self, event: events.Event) -> None:
        """Number the event and hand it on. Called by the run, from any thread."""
        body = events.encode(event).decode()
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            row = EventRow(seq=self._next_seq, run_id=event.run_id, at=at, kind=type(event).__name__, body=body)
            self._next_seq += 1
            self._pending[row.seq] = row
            if self._view is not None:
                self._view = events.apply(self._view, event)
            for viewer in self._viewers:
                viewer.offer(row)

    def flush(self) -> None:
        """Write what waits, in order. The file is written without the hub's lock, so `emit` never waits for the disk."""
        with self._writing:
            with self._lock:
                batch = list(self._pending.values())
            if batch:
                self._store.put(*batch)
            with self._lock:
                for row in batch:
                    del self._pending[row.seq]

    def subscribe(self, from_seq: int) -> tuple[Viewer, list[EventRow]]:
        """A viewer that gets everything from now on, and all rows before that from `from_seq`: no gap and no repeat."""
        viewer = Viewer()
        with self._lock:
            self._viewers.add(viewer)
            waiting, border = dict(self._pending), self._next_seq
        rows = {row.seq: row for row in self._stored(from_seq) if row.seq < border}
        rows.update(waiting)
        return viewer, [rows[seq] for seq in sorted(rows) if seq >= from_seq]

    def leave(self, viewer: Viewer) -> None:
        with self._lock:
            self._viewers.discard(viewer)

    def tell(self, message: dict[str, Any] | None) -> None:
        """Hand every viewer a message that is no event, or the end (None)."""
        with self._lock:
            for viewer in self._viewers:
                viewer.offer(message)


def fold(rows: Sequence[EventRow]) -> events.RunView:
    """The view that these events make. A run that starts anew begins with an empty one: what was said before is not read."""
    view, first = events.RunView(), 0
    for at in range(len(rows) - 1, -1, -1):
        if rows[at].kind == "RunStarted" and not events.decode(rows[at].body).resumed:
            first = at
            break
    for row in rows[first:]:
        view = events.apply(view, events.decode(row.body))
    return view
