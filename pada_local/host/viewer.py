"""One connection of a viewer: questions in, answers and events out. Two threads, so that a slow viewer slows nobody."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, cast

import msgspec

from pada_local.errors import PadaError, UsageError
from pada_local.host import wire
from pada_local.host.hub import Hub, Viewer
from pada_local.host.runner import Runner
from pada_local.host.talks import Talk, Talks
from pada_local.records import EventRow

log = logging.getLogger(__name__)
AT_ONCE = 500
"""Stored events in one write."""


class Connection:
    """Serves one accepted socket until either side closes it."""

    def __init__(self, accepted: socket.socket, answer: Callable[[dict[str, Any]], Any], hub: Hub, runner: Runner,
                 talks: Talks, forget: Callable[["Connection"], None]) -> None:  # fmt: skip
        accepted.settimeout(None)
        self._socket, self._answer, self._hub, self._runner, self._forget = accepted, answer, hub, runner, forget
        self._sending = threading.Lock()
        self._viewer: Viewer | None = None
        self._talks, self._talk = talks, cast(Talk | None, None)

    def serve(self) -> None:
        """Answer questions in order until the viewer leaves."""
        try:
            for line in wire.lines(self._socket, wire.QUESTION_BYTES):
                self._handle(line)
        except (OSError, ValueError) as error:
            log.info("a viewer was lost: %s", error)
        finally:
            if self._viewer is not None:
                self._hub.leave(self._viewer)
                self._viewer.offer(None)
            self._hush()
            self._socket.close()
            self._forget(self)

    def _handle(self, line: bytes) -> None:
        try:
            question = msgspec.json.decode(line)
            if not isinstance(question, dict):
                raise UsageError("A question must be a JSON object.")
            if question.get("op") == "subscribe":
                return self._subscribe(int(question.get("from", 0)))
            if question.get("op") == "talk":
                return self._begin_talk(question)
            if question.get("op") == "hush":
                return self._hush()
            self._send({"ok": True, "value": self._answer(question)})
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            self._send({"ok": False, "error": wire.error_to_wire(UsageError("The question cannot be read.", str(error)))})
        except PadaError as error:
            self._send({"ok": False, "error": wire.error_to_wire(error)})
        except OSError:
            raise
        except Exception as error:
            # The connection's edge: one question that breaks must not take the host and its run down.
            log.exception("a question broke")
            broken = PadaError(f"The host could not answer: {type(error).__name__}.", str(error))
            self._send({"ok": False, "error": wire.error_to_wire(broken)})

    def _subscribe(self, from_seq: int) -> None:
        """Everything stored from `from_seq`, then everything new; a run that has ended already says so again."""
        if self._viewer is not None:
            raise UsageError("This connection is subscribed already.")
        self._viewer, rows = self._hub.subscribe(from_seq)
        self._send({"ok": True, "value": {"stored": len(rows)}})
        for start in range(0, len(rows), AT_ONCE):
            with self._sending:
                self._socket.sendall(b"".join(_line_of(row) for row in rows[start : start + AT_ONCE]))
        if self._runner.outcome:
            # Behind the events that wait for this viewer: the last of them may have come while the stored ones were sent.
            self._viewer.offer({"outcome": self._runner.outcome})
        threading.Thread(target=self._stream, args=(self._viewer,), name="stream", daemon=True).start()

    def _begin_talk(self, question: dict[str, Any]) -> None:
        """An answer, piece by piece, in a thread: meanwhile this connection may say `hush`, to which there is no reply."""
        if self._talk is not None and self._talk.going_on:
            raise UsageError("This connection is being answered already.", fix="Wait, or stop the answer.")
        self._talk = self._talks.begin(question)
        self._send({"ok": True, "value": {"who": self._talk.who}})
        threading.Thread(target=self._tell, args=(self._talk,), name="talk", daemon=True).start()

    def _tell(self, talk: Talk) -> None:
        try:
            for message in talk.messages():
                self._send(message)
        except OSError as error:
            log.info("a viewer was lost: %s", error)
            talk.hush()
            self._shut()

    def _hush(self) -> None:
        if self._talk is not None:
            self._talk.hush()

    def _stream(self, viewer: Viewer) -> None:
        try:
            while not viewer.dropped.is_set():
                item = viewer.waiting.get()
                if item is None:
                    self._send({"end": "The host has ended."})
                    break
                if isinstance(item, EventRow):
                    self._send_row(item)
                else:
                    self._send(item)
        except OSError as error:
            log.info("a viewer was lost: %s", error)
        finally:
            self._shut()

    def _send_row(self, row: EventRow) -> None:
        with self._sending:
            self._socket.sendall(_line_of(row))

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            self._socket.sendall(wire.encode(message))

    def _shut(self) -> None:
        """Wake the reading thread; it closes the socket."""
        with contextlib.suppress(OSError):  # the viewer was faster
            self._socket.shutdown(socket.SHUT_RDWR)


def _line_of(row: EventRow) -> bytes:
    return wire.encode({"seq": row.seq, "event": msgspec.Raw(row.body.encode())})
