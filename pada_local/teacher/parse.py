"""A model's text into an answer, strictly. The text is untrusted: every way in which it can be wrong gives a reason."""

import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec

Value = TypeVar("Value")

TEXT_BYTES = 512 * 1024
"""Longest text that is looked at, thinking included."""
ANSWER_BYTES = 64 * 1024
"""Longest JSON that is parsed."""
DEPTH = 16
"""Deepest nesting of objects and lists; the shapes need three."""
REASON_LENGTH = 240

_FENCE = re.compile(r"```[A-Za-z]*\s*\n(.*?)\n?\s*```", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENS, _CLOSES = "<think>", "</think>"


class _Refused(ValueError):
    """What is wrong with the text, as words that follow 'The answer'."""


def parse(text: str, answer: type[Value]) -> tuple[Value | None, str]:
    """The answer in `text` and "", or None and why it is none. Never raises, whatever the text is."""
    try:
        return msgspec.convert(_json(_payload(text)), answer, strict=True), ""
    except _Refused as error:
        return None, f"The answer {error}."
    except msgspec.ValidationError as error:
        return None, f"The answer has the wrong shape: {error}"[:REASON_LENGTH]


def _payload(text: str) -> str:
    """The JSON part: without the thinking in front and the code fence around it, neither of which is ever parsed."""
    if len(text.encode("utf-8", "surrogatepass")) > TEXT_BYTES:
        raise _Refused(f"is longer than {TEXT_BYTES // 1024} KiB")
    body = text.strip()
    if body.startswith(_OPENS):
        end = body.find(_CLOSES)
        if end < 0:
            raise _Refused("never stops thinking")
        body = body[end + len(_CLOSES) :].strip()
    elif _CLOSES in body and body[0] not in "{[`":
        # The template of some models opens the block itself: only its end is in the answer.
        body = body.partition(_CLOSES)[2].strip()
    if fenced := _FENCE.fullmatch(body):
        body = fenced[1].strip()
    if not body:
        raise _Refused("is empty")
    if len(body.encode("utf-8", "surrogatepass")) > ANSWER_BYTES:
        raise _Refused(f"is longer than {ANSWER_BYTES // 1024} KiB")
    return body


def _json(body: str) -> Any:
    """Plain JSON data, or _Refused. Depth is counted first: the parser would run out of stack before it noticed."""
    if _depth(body) > DEPTH:
        raise _Refused(f"is nested deeper than {DEPTH} levels")
    try:
        data = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_repeats)
    except _Refused:
        raise
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise _Refused(f"is not JSON{where}") from None
    _check_strings(data)
    return data


def _depth(body: str) -> int:
    deepest = level = 0
    for character in _STRING.sub("", body):
        if character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise _Refused("holds a number that is too large")
    return number


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused("names the same field twice")
    return found


def _check_strings(data: Any) -> None:
    """Refuses text that no database column and no terminal takes: lone surrogates and NUL, in names and in values."""
    if isinstance(data, str):
        if "\0" in data:
            raise _Refused("holds a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in data):
            raise _Refused("holds half a character (a lone surrogate)")
    elif isinstance(data, dict):
        for name, value in data.items():
            _check_strings(name)
            _check_strings(value)
    elif isinstance(data, list):
        for value in data:
            _check_strings(value)


def storable(text: str, limit: int = ANSWER_BYTES) -> str:
    """`text` as it can be kept in a column: lone surrogates and NUL written out, bounded in length.

    A text that parses is returned unchanged, unless its thinking part is longer than the limit: then that is cut off.
    """
    clean = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")
    if len(clean.encode()) <= limit:
        return clean
    end = clean.find(_CLOSES)
    if clean.lstrip().startswith(_OPENS) and end >= 0 and len(clean[end:].encode()) <= limit:
        return clean[end + len(_CLOSES) :].strip()
    return clean.encode()[: limit // 16].decode("utf-8", "ignore") + " […]"
