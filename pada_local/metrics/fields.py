"""Structured answers: the share of JSON fields that are right."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pada_local.metrics.registry import Score, metric

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_MAX_DEPTH = 64


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a field occurs twice")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is (a code fence around it is allowed); None for anything else."""
    fenced = _FENCE.match(text)
    try:
        parsed = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):  # malformed or absurdly nested model output is normal input
        return None
    return parsed if isinstance(parsed, dict) and _is_shallow(parsed) else None


def _is_shallow(value: Any) -> bool:
    # Level by level, because recursion is what a nesting bomb is after.
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _canonical(value: Any) -> str:
    # By type as well as value, because Python calls True and 1 equal; 1 and 1.0 are the same number in JSON.
    if isinstance(value, str):
        return json.dumps(value.strip())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    return json.dumps(value)


def _needs_object(output: str) -> str:
    parsed = json_object(output)
    if parsed is None:
        return "The output is not a JSON object."
    return "" if parsed else "The output is a JSON object without fields."


@metric("json_fields", description="share of JSON fields that are right; surplus fields count as wrong", check=_needs_object)
def json_fields(predicted: str, expected: str) -> Score:
    """Equal fields / fields in either object (top level)."""
    wanted, got = json_object(expected), json_object(predicted)
    if not wanted:
        return Score(None, "not scored, because the reference is not a JSON object")
    if got is None:
        return Score(0.0, "the answer is not a JSON object")
    names = list(wanted) + [name for name in got if name not in wanted]
    right = equal_fields(got, wanted)
    wrong = [name for name in names if name not in right]
    if not wrong:
        return Score(1.0, "every field is right")
    return Score(1 - len(wrong) / len(names), "; ".join(_difference(name, got, wanted) for name in wrong[:5]))


@metric("json_whole", description="1 when the whole JSON object is right, whatever the order of its fields", check=_needs_object)
def json_whole(predicted: str, expected: str) -> Score:
    """Whether every field is right and none is surplus."""
    share = json_fields(predicted, expected)
    return share if share.value in (None, 1.0) else Score(0.0, share.why)


def equal_fields(got: dict[str, Any], wanted: dict[str, Any]) -> set[str]:
    """Names of the top-level fields that both have with the same value."""
    return {name for name in wanted if name in got and _canonical(got[name]) == _canonical(wanted[name])}


def _difference(name: str, got: dict[str, Any], wanted: dict[str, Any]) -> str:
    if name not in got:
        return f'the field "{name}" is missing'
    if name not in wanted:
        return f'the field "{name}" should not be there'
    return f'the field "{name}" has {_canonical(got[name])[:80]} where {_canonical(wanted[name])[:80]} was expected'
