"""Whether a text quotes a private one: in full, or eight words of it in a row."""

from collections.abc import Iterable

from pada_local.data.leakage import normalise_words

RUN = 8
SHORTEST_WORDS = 3
SHORTEST_CHARACTERS = 12
"""Shorter private texts (labels, numbers, single words) are ordinary language: a strategy may and must be able to say them."""
REMOVED = "[removed: it quoted an example]"


class Quotes:
    """Private texts, found again as words: case, punctuation and spacing do not hide a quote."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.whole = sorted({text.strip() for text in texts if _long(text)})
        self._runs: set[tuple[str, ...]] = set()
        self._short: dict[int, set[tuple[str, ...]]] = {}
        for text in self.whole:
            words = tuple(normalise_words(text))
            if len(words) < RUN:
                self._short.setdefault(len(words), set()).add(words)
            else:
                self._runs |= {words[at : at + RUN] for at in range(len(words) - RUN + 1)}

    def __len__(self) -> int:
        return len(self.whole)

    def quoted_in(self, text: str) -> bool:
        """Whether a private text, or eight words of one in a row, stand in this text."""
        words = tuple(normalise_words(text))
        known = {RUN: self._runs} | self._short
        return any(words[at : at + length] in runs for length, runs in known.items() for at in range(len(words) - length + 1))

    def stand_in(self, content: bytes) -> bool:
        """Whether one of the texts stands in these bytes, letter by letter."""
        starts: dict[bytes, list[bytes]] = {}
        for text in self.whole:
            starts.setdefault(text.encode()[:SHORTEST_CHARACTERS], []).append(text.encode())
        places = ((at, starts.get(content[at : at + SHORTEST_CHARACTERS], ())) for at in range(len(content)))
        return any(content.startswith(text, at) for at, texts in places for text in texts)


def _long(text: str) -> bool:
    return len(normalise_words(text)) >= SHORTEST_WORDS and len(text.strip()) >= SHORTEST_CHARACTERS
