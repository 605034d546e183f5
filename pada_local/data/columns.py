"""From a row to an example: which columns are the input, the output and the tags, and how their values become texts.

A column is named by its key, by a path (`data[*].text`, `meta.source`), or by its place in a row that is a list (`0`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pada_local.data.messages import conversation
from pada_local.data.refusal import MAX_ROW_BYTES, Refused, shown
from pada_local.errors import UsageError

_STEP = re.compile(r"\[(\*|\d+)\]|\.?([^.\[\]]+)")
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}


class RawExample(msgspec.Struct, frozen=True):
    """One row as it was read: its line in the file (from 1), texts, the tag columns as text, and a system message."""

    line: int
    input: str
    output: str
    tags: dict[str, str]
    system: str = ""


class _Nothing:
    """Stands for a value that a row does not have; None is a value."""


_NOTHING = _Nothing()


class Column(NamedTuple):
    """A column's name as it was given, and the steps that lead to it: keys, places, "*" for all members."""

    name: str
    steps: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> "Column":
        """Raises UsageError for a path that cannot be understood."""
        steps = steps_of(name)
        if not steps:
            raise UsageError("A column without a name was given.", "", "Name a column of the data file.")
        return cls(name, steps)

    def text(self, row: Any, join: str) -> str:
        """The value as text; several values (of a path with a star) are put together with `join`. Raises Refused."""
        if isinstance(row, Mapping) and self.name in row:
            return _text(row[self.name], self.name)
        found = _reach(row, self.steps)
        if not found and isinstance(row, list) and not self.steps[0].isdecimal():
            raise Refused(f"it is not a JSON object with a column {shown(self.name)}, but a list of {len(row)}")
        if not found:
            there = [str(number) for number in range(len(row))] if isinstance(row, list) else list(row)
            listed = ", ".join(map(shown, there[:10])) or "nothing"
            raise Refused(f"there is no column {shown(self.name)}, only {listed}{', …' if len(there) > 10 else ''}")
        return join.join(_text(value, self.name) for value in found)


def steps_of(path: str) -> tuple[str, ...]:
    """`a.b[*].c` as its steps; a leading `$` is allowed. Raises UsageError."""
    rest = path.removeprefix("$").removeprefix(".")
    steps, end = [], 0
    for found in _STEP.finditer(rest):
        if found.start() != end:
            break
        steps.append(found[1] or found[2])
        end = found.end()
    if end != len(rest):
        fix = "Write keys with dots, places as [0], all members as [*]: a.b[*].c"
        raise UsageError(f"The path {shown(path)} cannot be understood.", "", fix)
    return tuple(steps)


def _reach(value: Any, steps: Sequence[str]) -> list[Any]:
    values = [value]
    for step in steps:
        values = [inner for value in values for inner in _inside(value, step) if inner is not _NOTHING]
    return values


def _inside(value: Any, step: str) -> Sequence[Any]:
    if step == "*":
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict):
        return [value.get(step, _NOTHING)]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return [value[int(step)]]
    return []


def _text(value: Any, column: str) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if "\x00" in text or "\\u0000" in text and not isinstance(value, str):
        raise Refused(f"the column {shown(column)} holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise Refused(f"the column {shown(column)} holds half of a surrogate pair") from problem
    return text


class Template:
    """Text with columns in braces: `{QUESTION}\\n{CONTEXT}`; `{{` and `}}` are braces, `\\n` and `\\t` what they are in code."""

    def __init__(self, template: str) -> None:
        self._parts: list[str | Column] = []
        end = 0
        for found in _HOLE.finditer(template):
            self._parts.append(_unescaped(template[end : found.start()]))
            end = found.end()
            if found[1]:
                self._parts.append(Column.named(found[1].strip()))
            elif found.group() in ("{{", "}}"):
                self._parts.append(found.group()[0])
            else:
                raise UsageError(f"The template {shown(template)} has a brace without its partner.", "", "Write {{ for a brace.")
        self._parts.append(_unescaped(template[end:]))
        self.columns = [part for part in self._parts if isinstance(part, Column)]
        if not self.columns:
            raise UsageError(f"The template {shown(template)} names no column.", "", "Put column names in braces: '{question}'")

    def text(self, row: Any, join: str) -> str:
        """The template with the row's values. Raises Refused, also when every column is empty."""
        texts = [part if isinstance(part, str) else part.text(row, join) for part in self._parts]
        filled = any(text.strip() for part, text in zip(self._parts, texts, strict=True) if isinstance(part, Column))
        return "".join(texts) if filled else ""


def _unescaped(text: str) -> str:
    return re.sub(r"\\[nt\\]", lambda found: _ESCAPES[found.group()], text)


class Taker:
    """Takes examples out of rows. Input and output come from columns, a template, or a column with chat messages."""

    def __init__(
        self, input: str = "", output: str = "", tags: Sequence[str] = (), *,
        template: str = "", messages: str = "", join: str = "\n",
    ) -> None:  # fmt: skip
        if sum(map(bool, (input, template, messages))) != 1 or bool(output) == bool(messages):
            raise UsageError(
                "It is not clear which columns are input and output.", "",
                "Give --input COL --output COL, or --input-template TEXT --output COL, or --messages COL.",
            )  # fmt: skip
        self._join = _unescaped(join)
        self._input = Column.named(input) if input else Template(template) if template else None
        self._output = Column.named(output) if output else None
        self._messages = Column.named(messages) if messages else None
        self._input_name, self._tags = input or "the template", [Column.named(tag) for tag in tags]

    @property
    def columns(self) -> list[Column]:
        """Every column that is looked at."""
        inputs = self._input.columns if isinstance(self._input, Template) else [self._input]
        return [column for column in (*inputs, self._output, self._messages, *self._tags) if column is not None]

    def take(self, line: int, row: Any, max_bytes: int = MAX_ROW_BYTES) -> RawExample:
        """The row's example. Raises Refused."""
        if self._messages is not None:
            system, input, output = conversation(_messages_of(row, self._messages))
            for text in (system, input, output):
                _text(text, self._messages.name)
        else:
            assert self._input is not None and self._output is not None
            system, input, output = "", self._input.text(row, self._join), self._output.text(row, self._join)
            for name, text in ((self._input_name, input), (self._output.name, output)):
                if not text.strip():
                    raise Refused(f"the column {shown(name)} is empty")
        tags = {column.name: column.text(row, self._join) for column in self._tags}
        if sum(map(len, (system, input, output, *tags.values()))) > max_bytes:
            raise Refused(f"the row is longer than {max_bytes:,} bytes")
        return RawExample(line, input, output, tags, system)


def _messages_of(row: Any, column: Column) -> Any:
    if isinstance(row, Mapping) and column.name in row:
        value = row[column.name]
    else:
        value = next(iter(_reach(row, column.steps)), _NOTHING)
    if value is _NOTHING:
        column.text(row, "")  # says which columns there are
    return value
