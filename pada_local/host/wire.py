"""What host and viewer send each other: one JSON object a line. Used on both sides, so that they cannot drift apart.

A question is {"op": name, ...}; its answer {"ok": true, "value": ...} or {"ok": false, "error": {...}}.
After `subscribe` the connection carries {"seq": n, "event": {...}} lines, and {"end": why} when the host leaves.
"""

import socket
from collections.abc import Iterator
from typing import Any

import msgspec

from pada_local import errors

LINE_BYTES = 64 * 2**20
"""Longest line taken: a report of a big project is a few MiB."""

QUESTION_BYTES = 2**20
"""Longest question that a host takes."""


def lines(connection: socket.socket, limit: int = LINE_BYTES) -> Iterator[bytes]:
    """The lines that come in until the other side closes. Raises ValueError on a line above the limit."""
    rest = bytearray()
    while chunk := connection.recv(2**16):
        first, *more = chunk.split(b"\n")
        rest += first
        for part in more:
            yield bytes(rest)
            rest = bytearray(part)
        if len(rest) > limit:
            raise ValueError(f"a line of more than {limit} bytes")


def encode(message: Any) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def error_to_wire(error: errors.PadaError) -> dict[str, str]:
    """An error as it crosses the socket."""
    return {"kind": type(error).__name__, "title": error.title, "detail": error.detail, "fix": error.fix}


def error_from_wire(sent: dict[str, str]) -> errors.PadaError:
    """The same error on the other side; an unknown kind becomes a plain PadaError."""
    kind = getattr(errors, sent.get("kind", ""), errors.PadaError)
    if not (isinstance(kind, type) and issubclass(kind, errors.PadaError)):
        kind = errors.PadaError
    return kind(sent.get("title", "The host could not do it."), sent.get("detail", ""), sent.get("fix", ""))
