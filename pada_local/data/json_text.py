"""JSON from foreign files, stricter than the standard library: no NaN, no key twice, no endless nesting or numbers."""

import json
import math
import re
from typing import Any, NoReturn

from pada_local.data.refusal import Refused, shown

MAX_DEPTH = 64
_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


def parse_json(text: str) -> Any:
    """The one value that the text is. Raises Refused."""
    check_depth(text)
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise Refused(f"it is not JSON ({problem.msg} at column {problem.colno})") from problem
    except (ValueError, RecursionError) as problem:  # such as an integer of a million digits
        raise Refused("it is JSON with a value that cannot be read") from problem


def check_depth(text: str) -> None:
    """Raises Refused for a nesting bomb, which the decoder would answer with RecursionError deep in C."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise Refused(f"it is nested deeper than {MAX_DEPTH} levels")


def _depth(text: str) -> int:
    depth, deepest, in_text = 0, 0, False
    for found in _MARKS.finditer(text):
        mark = found.group()
        if mark == '"':
            in_text = not in_text
        elif not in_text and mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif not in_text and mark in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise Refused("it has a number that is too large")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refused(f"the key {shown(key)} occurs twice")
            seen.add(key)
    return values


DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
"""The strict decoder; its hooks raise Refused."""
