"""Tells thinking aloud from the answer while both come: `<think>` … `</think>`, or only the end of it.

Many chat templates put the opening mark into the prompt, so that the model writes nothing but the closing one: what was
told as text until then turns out to have been thought.
"""

from pada_local.teacher.protocol import Piece

OPEN, CLOSE = "<think>", "</think>"


class Thoughts:
    """Feed it what comes; it holds back what may be the beginning of a mark."""

    def __init__(self) -> None:
        self._state, self._held = "begin", ""

    def take(self, text: str) -> list[Piece]:
        """The pieces that are certain now."""
        self._held += text
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def rest(self) -> list[Piece]:
        """What was held back, when nothing more comes."""
        held, self._held = self._held, ""
        return [Piece("thought" if self._state == "thinking" else "text", held)] if held.strip() else []

    def _step(self, pieces: list[Piece]) -> bool:
        """One step on; False when more text is needed."""
        if self._state in ("begin", "after"):  # blanks before the answer belong to nothing
            self._held = self._held.lstrip()
            if not self._held or (self._state == "begin" and len(self._held) < len(OPEN) and OPEN.startswith(self._held)):
                return False
            opened = self._state == "begin" and self._held.startswith(OPEN)
            self._held = self._held.removeprefix(OPEN) if opened else self._held
            self._state = "thinking" if opened else "answer" if self._state == "after" else "open"
            return True
        kind = "thought" if self._state == "thinking" else "text"
        if self._state == "answer":
            self._tell(pieces, kind, len(self._held))
            return False
        at = self._held.find(CLOSE)
        if at < 0:
            size = next((size for size in range(len(CLOSE) - 1, 0, -1) if self._held.endswith(CLOSE[:size])), 0)
            self._tell(pieces, kind, len(self._held) - size)
            return False
        self._tell(pieces, kind, at)
        if self._state == "open":
            pieces.append(Piece("rethought"))
        self._held, self._state = self._held[len(CLOSE) :], "after"
        return True

    def _tell(self, pieces: list[Piece], kind: str, size: int) -> None:
        if size:
            pieces.append(Piece(kind, self._held[:size]))
            self._held = self._held[size:]
