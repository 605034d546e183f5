"""As much of Go's text/template as Modelfiles here use: fields, variables, range, if/else if/else with eq, end."""

import re
from typing import Any

_PART = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def run(template: str, data: dict[str, Any]) -> str:
    """The text that the template makes of the data. Raises ValueError for what it does not know."""
    pieces = _PART.split(template)
    tokens = [(at % 2 == 1, piece.strip() if at % 2 else piece) for at, piece in enumerate(pieces)]
    out: list[str] = []
    rest = _block(tokens, 0, data, {}, out)
    if rest != len(tokens):
        raise ValueError("an end too many")
    return "".join(out)


def _block(tokens: list[tuple[bool, str]], at: int, dot: Any, names: dict[str, Any], out: list[str] | None) -> int:
    """Run (or with `out` None skip) up to the closing word; returns its place."""
    while at < len(tokens):
        action, text = tokens[at]
        word = text.split()[0] if action else ""
        if not action:
            if out is not None:
                out.append(text)
        elif word in ("end", "else"):
            return at
        elif word == "range":
            items = _value(text.split()[1], dot, names) if out is not None else []
            end = _block(tokens, at + 1, dot, names, None)
            for item in items:
                _block(tokens, at + 1, item, names, out)
            at = end
        elif word == "if":
            at = _branches(tokens, at, dot, names, out)
        elif out is not None and (found := re.fullmatch(r"(\$\w+) :?= (.+)", text)):
            names[found[1]] = _value(found[2], dot, names)
        elif out is not None:
            out.append(str(_value(text, dot, names)))
        at += 1
    return at


def _branches(tokens, at, dot, names, out) -> int:
    """An if with its else parts; returns the place of its end."""
    done = out is None
    while True:
        condition = tokens[at][1].removeprefix("else").strip().removeprefix("if").strip()
        chosen = not done and (not condition or _true(condition, dot, names))
        at = _block(tokens, at + 1, dot, names, out if chosen else None)
        done = done or chosen
        if tokens[at][1] == "end":
            return at


def _true(condition: str, dot: Any, names: dict[str, Any]) -> bool:
    if condition.startswith("eq "):
        _, left, right = condition.split(maxsplit=2)
        return _value(left, dot, names) == _value(right, dot, names)
    return bool(_value(condition, dot, names))


def _value(text: str, dot: Any, names: dict[str, Any]) -> Any:
    if text.startswith('"'):
        return text[1:-1]
    if text.startswith("$"):
        return names[text]
    if re.fullmatch(r"\.\w+", text):
        return dot[text[1:]]
    raise ValueError(text)
