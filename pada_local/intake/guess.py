"""Which columns are probably the input, the output and the tags: by their names, then by what stands in them."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pada_local.data.columns import Column
from pada_local.data.messages import conversation
from pada_local.data.refusal import Refused
from pada_local.errors import UsageError
from pada_local.runtime.safe import safe_line

OUTPUTS = (
    "output", "completion", "answer", "response", "target", "label", "labels", "intent", "category", "class", "reply", "result",
    "gold", "reference", "summary", "translation", "masked", "sentiment", "decision", "chosen", "sql", "code", "line", "a", "y",
)  # fmt: skip
INPUTS = (
    "input", "prompt", "question", "instruction", "text", "sentence", "query", "utterance", "document", "article", "source",
    "note", "passage", "content", "request", "message", "body", "review", "title", "q", "x",
)  # fmt: skip
PAIRS = (("instruction", "input"), ("question", "context"), ("question", "contexts"), ("question", "passage"),
         ("premise", "hypothesis"), ("title", "text"), ("title", "body"))  # fmt: skip
"""Columns that together are the input."""
IDS = frozenset({"id", "idx", "index", "uid", "guid", "uuid", "hash", "url", "date", "time", "timestamp"})
MOST_TAGS, MOST_VALUES, LONGEST_VALUE = 2, 12, 30
_LOOKED_AT = 200


class Guess(NamedTuple):
    """Column names as the options of `pada new` take them; empty where nothing can be guessed."""

    input: str = ""
    output: str = ""
    template: str = ""
    messages: str = ""
    tags: tuple[str, ...] = ()


def guess_columns(rows: Sequence[Any]) -> Guess:
    """A guess from the first rows; only names that an option can carry are guessed."""
    rows = rows[:_LOOKED_AT]
    values = _values(rows)
    names = [name for name in values if _can_be_named(name)]
    if chat := next((name for name in names if _is_chat(values[name])), ""):
        return Guess(messages=chat, tags=_tags(names, values, {chat}, len(rows)))
    plain = [name for name in names if _is_text(values[name])]
    output = _by_name(plain, OUTPUTS)
    template, used = _pair([name for name in plain if name != output])
    input = "" if template else _by_name([name for name in plain if name != output], INPUTS)
    if not (template or input) or not output:
        input, output = _by_content(plain, values, input, output)
        template, used = ("", set()) if input else (template, used)
    if not output:
        return Guess()
    return Guess(input, output, template, "", _tags(plain, values, {input, output, *used}, len(rows)))


def _values(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in enumerate(row) if isinstance(row, list) else row.items():
            found.setdefault(str(name), []).append(value)
    return found


def _can_be_named(name: str) -> bool:
    """Whether the name survives being typed: no control characters, no path in it, and none of the reader's own."""
    try:
        return Column.named(name).steps == (name,) and safe_line(name) == name and name[0] not in "@{" and "}" not in name
    except UsageError:
        return False


def _is_chat(values: list[Any]) -> bool:
    try:
        return bool(values) and bool(conversation(values[0]))
    except Refused:
        return False


def _is_text(values: list[Any]) -> bool:
    return all(isinstance(value, str | int | float | bool | None) for value in values) and any(str(one or "") for one in values)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _by_name(names: list[str], ranked: Sequence[str]) -> str:
    """The column that is called so, else one in whose name the word stands; the first word of the list wins."""
    for fits in (lambda name, word: name.lower() == word, lambda name, word: word in _words(name) and len(word) > 1):
        for word in ranked:
            if found := next((name for name in names if fits(name, word)), ""):
                return found
    return ""


def _pair(names: list[str]) -> tuple[str, set[str]]:
    """Template and its columns, where two columns make the input."""
    called = {name.lower(): name for name in names}
    for first, second in PAIRS:
        if first in called and second in called:
            return f"{{{called[first]}}}\\n\\n{{{called[second]}}}", {called[first], called[second]}
    return "", set()


def _by_content(names: list[str], values: dict[str, list[Any]], input: str, output: str) -> tuple[str, str]:
    """What names did not tell: the longest text is the input, the shortest of those that repeat is the output."""
    left = [name for name in names if name not in (input, output) and not IDS & set(_words(name))]
    length = {name: sum(len(str(value)) for value in values[name]) / len(values[name]) for name in left}
    if not input and left and (output or len(left) > 1):
        input = max(left, key=lambda one: length[one])
        left.remove(input)
    if input and not output and left:
        output = min(left, key=lambda one: (len(set(map(str, values[one]))) == len(values[one]), length[one]))
    return (input, output) if input and output else ("", "")


def _tags(names: list[str], values: dict[str, list[Any]], used: set[str], rows: int) -> tuple[str, ...]:
    """Columns with a few short values that repeat."""
    found = []
    for name in names:
        there = {str(value) for value in values[name]} if _is_text(values[name]) else set()
        few = 2 <= len(there) <= MOST_VALUES and len(there) * 2 <= rows and len(values[name]) == rows
        if few and name not in used and not IDS & set(_words(name)) and max(map(len, there)) <= LONGEST_VALUE:
            found.append(name)
    return tuple(found[:MOST_TAGS])
