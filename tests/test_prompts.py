"""Prompts: every field of every prompt is filled in by whoever renders it, and nothing is filled in that no prompt has."""

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest

from pada_local import prompts

ROOT = Path(__file__).resolve().parents[1]


def fields_of(name: str) -> set[str]:
    return set(Template(prompts.text(name)).get_identifiers())


def renderings() -> Iterator[tuple[str, str, set[str]]]:
    """(place, prompt, names filled in) of every call of `prompts.render` in the engine."""
    for file in sorted((ROOT / "pada_local").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "prompts.render":
                    names = set().union(*(_names(function, keyword) for keyword in call.keywords))
                    yield f"{file.relative_to(ROOT)}:{call.lineno}", ast.literal_eval(call.args[0]), names


def _names(function: ast.FunctionDef, keyword: ast.keyword) -> set[str]:
    """The keyword's name; for `**fields`, the keys of the dict that the function gives that name."""
    if keyword.arg:
        return {keyword.arg}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == ast.unparse(keyword.value):
            return {ast.literal_eval(key) for key in node.value.keys}
    raise AssertionError(f"{function.name} fills a prompt from something that this test cannot read")


RENDERINGS = list(renderings())


@pytest.mark.parametrize(("place", "name", "filled"), RENDERINGS, ids=[f"{name} in {place}" for place, name, _ in RENDERINGS])
def test_whoever_renders_a_prompt_fills_in_its_fields(place, name, filled):
    assert filled == fields_of(name), place


def test_every_prompt_is_asked():
    assert {name for _, name, _ in RENDERINGS} == set(prompts.names())


def test_a_missing_field_is_an_error_and_foreign_dollars_stay():
    with pytest.raises(KeyError):
        prompts.render("draft", card="x")
    assert "$5 and $card" in prompts.render("draft", card="x", pattern="$5 and $card")


def test_the_teachers_training_fills_in_the_same_fields(monkeypatch):
    """The demo's teacher is trained on whole prompts: a `$` left over would be learned."""
    monkeypatch.syspath_prepend(str(ROOT / "models" / "training"))
    import jobs

    rng, seen = random.Random(1), set()
    for _ in range(300):
        prompt, answer = jobs.draw_job(rng)
        assert not re.search(r"\$[a-z]", prompt) and answer.startswith("{")
        seen |= {name for name in prompts.names() if prompt.startswith(_head(name)) and _tail(name) in prompt}
    assert seen == set(prompts.names()) - {"grade"}  # asked only where the metric is `judge`


def _pieces(name: str) -> list[str]:
    return re.split(r"\$\w+", prompts.text(name))


def _head(name: str) -> str:
    return _pieces(name)[0]


def _tail(name: str) -> str:
    """The longest fixed piece: what tells a prompt from the others."""
    return max(_pieces(name), key=len).strip()
