"""One free answer from a server that the user started, told while it is written: server-sent events over plain HTTP."""

import http.client
import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pada_local.teacher.parse import TEXT_BYTES
from pada_local.teacher.protocol import Piece
from pada_local.teacher.stream import STOPPED, TOO_MANY
from pada_local.teacher.thinking import Thoughts
from pada_local.teacher.unixhttp import Broken, event_data

TICK_S = 0.1
LINE_BYTES = 2**20


def talk(
    connection: http.client.HTTPConnection, target: str, body: dict[str, Any], heads: dict[str, str],
    check: Callable[[int, bytes], None], over: Callable[[], bool],
) -> Iterator[Piece]:  # fmt: skip
    """Pieces until the answer has ended. `check` raises for an answer's status and beginning.

    Raises what it raises, and OSError, HTTPException or ValueError when the server breaks off or says nonsense.
    """
    came: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def read() -> None:
        try:
            connection.request("POST", target, json.dumps(body), heads)
            response = connection.getresponse()
            check(response.status, b"" if response.status == 200 else response.read(LINE_BYTES))
            while line := response.readline(LINE_BYTES):
                came.put(line)
            came.put(None)
        except Exception as error:  # it belongs to the thread that asked
            came.put(error)

    threading.Thread(target=read, name="teacher-stream", daemon=True).start()
    thoughts, ended, taken = Thoughts(), None, 0
    for line in _lines(came, over):
        taken += len(line)
        text, thought, finish = _event(line)
        if thought:
            yield Piece("thought", thought)
        yield from thoughts.take(text)
        if finish:
            ended = TOO_MANY if finish == "length" else ""
        if taken > 64 * TEXT_BYTES:  # each token of text comes in an event many times its size
            ended = TOO_MANY
            break
    yield from thoughts.rest()
    yield Piece("end", STOPPED if ended is None and over() else ended or "")


def _lines(came: "queue.SimpleQueue[bytes | Exception | None]", over: Callable[[], bool]) -> Iterator[bytes]:
    while not over():
        try:
            line = came.get(timeout=TICK_S)
        except queue.Empty:
            continue
        if isinstance(line, Exception):
            raise line
        if line is None:
            return
        yield line


def _event(line: bytes) -> tuple[str, str, str]:
    """Text, thought and end of one event, or of a whole answer from a server that does not stream. Raises ValueError."""
    try:
        data = event_data(line) if line.startswith((b"data:", b"error:")) else line.strip() if line.startswith(b"{") else None
    except Broken as error:
        raise ValueError(str(error)) from None
    found = json.loads(data) if data else None
    choices = found.get("choices") if isinstance(found, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    if isinstance(found, dict) and found.get("error"):
        raise ValueError(str(found["error"])[:200])
    said = choice.get("delta") or choice.get("message")
    said = said if isinstance(said, dict) else {}
    text, thought = said.get("content"), said.get("reasoning_content") or said.get("reasoning")
    finish = choice.get("finish_reason")
    return tuple(one if isinstance(one, str) else "" for one in (text, thought, finish))
