"""The leak guard: validation and test inputs must reach no prompt that writes samples and no training set.

The rule is this project's own (the paper gives none) and looks at inputs as normalised words. It hands out a yes or a
reason, never the protected text. Everything is answered from indexes, so a check costs the same with ten protected
texts or a hundred thousand.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from pada_local.errors import UsageError

Words = tuple[str, ...]

# Scripts without spaces: every character is a word, or a whole sentence would count as one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SHORTEST_QUOTE = 4
"""A protected input of fewer words than this is too ordinary to be recognised inside a longer text."""
_SHORTEST_WINDOW = 5
_SHORTEST_CODE = 8
_SLACK = 1e-9
_SHORT, _LONG = 0, 1


@cache
def _replacement(char: str) -> str:
    kind = unicodedata.category(char)
    if char in "'\u2019\u02bc" or kind == "Cf":  # don't is one word; zero-width characters must not split or hide one
        return ""
    return " " if kind[0] in "PSZC" else char


def normalise_words(text: str) -> list[str]:
    """The words of a text: NFKC, casefold, punctuation and symbols dropped, unspaced scripts character by character."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower().replace("'", ""))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall("".join(map(_replacement, folded)))


def _runs(words: Words, length: int) -> Iterator[Words]:
    return (words[start : start + length] for start in range(len(words) - length + 1))


class _Quotes:
    """Finds whole texts inside a longer one. Kept as hashes: a hundred thousand texts fit easily."""

    def __init__(self, texts: Iterable[Words], longest_head: int) -> None:
        self._head = longest_head
        self._whole: set[int] = set()
        self._lengths: dict[int, set[int]] = {}
        """Hash of the first words -> lengths of the texts that begin so; keeps rare long texts from being tried everywhere."""
        self._short: set[int] = set()
        for words in texts:
            self._whole.add(hash(words))
            if len(words) <= longest_head:
                self._short.add(len(words))
            else:
                self._lengths.setdefault(hash(words[:longest_head]), set()).add(len(words))

    def spans(self, words: Words) -> Iterator[tuple[int, int]]:
        """Every (start, end) at which one of the texts stands in full."""
        for start in range(len(words)):
            longer = self._lengths.get(hash(words[start : start + self._head]), set())
            for length in self._short | longer:
                if start + length <= len(words) and hash(words[start : start + length]) in self._whole:
                    yield start, start + length


class _Similar:
    """Is there a set with Jaccard similarity of at least `threshold`? Exact, by prefix filtering (Chaudhuri et al. 2006).

    Two such sets must share a word among the few rarest of each, so only those words are looked up.
    """

    def __init__(self, threshold: float, frequency: Counter[str]) -> None:
        self._threshold = threshold
        self._frequency = frequency
        self._postings: dict[tuple[int, str], list[frozenset[str]]] = {}

    def _rarest(self, words: Iterable[str]) -> list[str]:
        chosen = sorted(set(words), key=lambda word: (self._frequency[word], word))
        needed = -int(-(self._threshold * len(chosen) - _SLACK) // 1)
        return chosen[: len(chosen) - needed + 1]

    def add(self, words: Iterable[str], key: int) -> None:
        """Index a set under a key; only look-ups with the same key see it."""
        kept = frozenset(words)
        for word in self._rarest(kept):
            self._postings.setdefault((key, word), []).append(kept)

    def has(self, words: frozenset[str], key: int) -> bool:
        """Whether an indexed set under this key is similar enough."""
        for word in self._rarest(words):
            for other in self._postings.get((key, word), ()):
                shared = len(words & other)
                if shared >= self._threshold * (len(words) + len(other) - shared) - _SLACK:
                    return True
        return False


class LeakGuard:
    """Says of a text whether it comes too near to a protected (validation or test) input.

    `training` lists the inputs that the student may see: a long run of words that they hold too gives nothing away.
    `jaccard` is the word overlap for short texts, `run` the length of a shared run of words for long ones. `outputs` are the
    outputs of the protected and of the training examples: what stands in them matters for codes only (see `gives_away`).
    """

    def __init__(
        self,
        protected: Iterable[str],
        training: Iterable[str],
        jaccard: float = 0.8,
        run: int = 13,
        outputs: tuple[Iterable[str], Iterable[str]] = ((), ()),
    ) -> None:
        if not 0 < jaccard <= 1 or run < 1:
            raise UsageError("The leak guard cannot work with these settings.", f"leak_jaccard = {jaccard}, run = {run}.")
        self._run, self._jaccard = run, jaccard
        kept = {text: tuple(normalise_words(text)) for text in protected}
        inputs = set(kept.values()) - {()}
        self._equal = {hash(words) for words in inputs}
        # Inputs without a single word (":-)") can only be compared as they are.
        self._wordless = {text.strip() for text, words in kept.items() if not words}
        taught = {tuple(normalise_words(text)) for text in training}
        self._secret_runs = {hash(part) for words in inputs for part in _runs(words, run)}
        for words in taught:
            self._secret_runs.difference_update(map(hash, _runs(words, run)))
        secret, known = (
            _codes(word for words in (*texts, *map(normalise_words, more)) for word in words)
            for texts, more in ((inputs, outputs[0]), (taught, outputs[1]))
        )
        self._codes = secret - known
        self._index_similar(inputs)
        self._quoted = _Quotes((words for words in inputs if len(words) >= _SHORTEST_QUOTE), run - 1)
        self._taught = _Quotes((words for words in taught if len(words) >= _SHORTEST_WINDOW), run - 1)

    def _index_similar(self, inputs: set[Words]) -> None:
        frequency = Counter(word for words in inputs for word in set(words))
        self._inputs, self._windows = _Similar(self._jaccard, frequency), _Similar(self._jaccard, frequency)
        self._window_lengths: set[int] = set()
        # A set this large reaches the threshold with no text of fewer than `run` words.
        largest = (self._run - 1) / self._jaccard + _SLACK
        for words in inputs:
            if len(set(words)) <= largest:
                self._inputs.add(words, key=_SHORT if len(words) < self._run else _LONG)
            if _SHORTEST_WINDOW <= len(words) < self._run:
                self._windows.add(words, key=len(words))
                self._window_lengths.add(len(words))

    def refuses(self, text: str) -> str:
        """Why this text must not be used as a sample's input; "" when it may. The reason never quotes anything."""
        words = tuple(normalise_words(text))
        if hash(words) in self._equal or (not words and text.strip() in self._wordless):
            return "it equals a protected input"
        if self._shares_run(words):
            return f"it shares a run of {self._run} words with a protected input"
        if code := self._gives_away(words):
            return code
        # Either side being short is enough: a short text is held against all, a long one against the short inputs.
        against = (_SHORT, _LONG) if len(words) < self._run else (_SHORT,)
        if words and any(self._inputs.has(frozenset(words), key) for key in against):
            return f"its words overlap with a protected input (Jaccard of at least {self._jaccard:g})"
        return ""

    def refuses_within(self, text: str) -> str:
        """Why this free text (a diagnosis, a strategy, a prompt) must not be passed on; "" when it may.

        Looks for protected inputs quoted inside it: in full (4 words or more), as a run that no training input holds, or
        reworded a little (windows as long as a protected input of 5 words up to one below `run`). A reworded window that
        lies in a quoted training input is no leak: anchors may be near a protected input, and the student knows them.
        """
        words = tuple(normalise_words(text))
        if any(True for _ in self._quoted.spans(words)):
            return "it quotes a protected input"
        if self._shares_run(words):
            return f"it shares a run of {self._run} words with a protected input"
        if code := self._gives_away(words):
            return code
        taught = list(self._taught.spans(words)) if self._window_lengths else []
        for length in self._window_lengths:
            # So many words of a window may differ at the threshold; as many may stick out of a training input.
            slack = int(length * (1 - self._jaccard) / (1 + self._jaccard) + _SLACK)
            for start, window in enumerate(_runs(words, length)):
                if self._windows.has(frozenset(window), key=length) and not _inside(start, start + length, taught, slack):
                    return f"a part of it overlaps with a protected input (Jaccard of at least {self._jaccard:g})"
        return ""

    def gives_away(self, text: str) -> str:
        """Why this text, whatever else it says, names something that only protected examples hold: a number or a code."""
        return self._gives_away(tuple(normalise_words(text)))

    def _gives_away(self, words: Words) -> str:
        return "" if self._codes.isdisjoint(words) else "it holds a number or code that only protected examples hold"

    def _shares_run(self, words: Words) -> bool:
        return any(hash(part) in self._secret_runs for part in _runs(words, self._run))


def _codes(words: Iterable[str]) -> set[str]:
    """Words that are no words: long ones with digits in them, such as numbers of cards, contracts and patients."""
    return {word for word in words if len(word) >= _SHORTEST_CODE and any(one.isdigit() for one in word)}


def _inside(start: int, end: int, spans: list[tuple[int, int]], slack: int) -> bool:
    return any(max(0, first - start) + max(0, end - last) <= slack for first, last in spans)
