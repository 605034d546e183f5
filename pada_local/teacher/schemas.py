"""The shapes of a teacher's answers. Field order is the order in which the prompts name the fields and the model writes them.

Lengths are checked after parsing and left out of the grammar's schema: llama.cpp expands `maxLength` into a repetition and
samples three times slower with 1,500 than without (measured: 3,690 -> 1,300 tokens/s, 440 with 8,000); max_tokens bounds
the text anyway.
"""

import json
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Short = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=4000)]
Long = Annotated[str, Meta(max_length=16000)]
Score = Annotated[int, Meta(ge=1, le=10)]


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all answers: every field must be there and nothing else."""


class Analysis(Shape):
    """Why a prediction failed (prompt analyse)."""

    root_cause: Text
    scenario: Short


class PatternName(Shape):
    """A group of failures named and described (prompt summarise)."""

    name: Short
    pattern: Text


class StrategyText(Shape):
    """How to write samples against a weakness (prompt draft)."""

    strategy: Text


class Invented(Shape):
    """A kind of item thought up without looking at failures (prompt invent)."""

    name: Short
    strategy: Text


class NewItem(Shape):
    """One generated sample."""

    input: Long
    output: Long


class NewItems(Shape):
    """Generated samples (prompts generate, near_error, regenerate)."""

    items: Annotated[list[NewItem], Meta(min_length=1, max_length=32)]


class Scores(Shape):
    """The judge's opinion of a sample (prompt judge)."""

    reason: Text
    relevance: Score
    adherence: Score
    utility: Score
    correctness: Score


class Solution(Shape):
    """An answer to an input, made without seeing the sample's own (prompt solve)."""

    answer: Long


class Grade(Shape):
    """The judge's grade of a student's answer (prompt grade)."""

    reason: Text
    score: Annotated[int, Meta(ge=0, le=10)]


class Rephrasings(Shape):
    """An input in other words (prompt rephrase)."""

    rephrasings: Annotated[list[Long], Meta(min_length=1, max_length=32)]


ALL: tuple[type[Shape], ...] = (
    Analysis, PatternName, StrategyText, Invented, NewItems, Scores, Solution, Grade, Rephrasings,
)  # fmt: skip

_NOT_FOR_THE_GRAMMAR = ("title", "description", "maxLength", "minLength")


@cache
def _schema_text(answer: type) -> str:
    (root,), parts = msgspec.json.schema_components((answer,), ref_template="{name}")
    return json.dumps(_inline(root, parts))


def _inline(node: Any, parts: dict[str, Any]) -> Any:
    """`node` with every reference replaced by what it names: llama.cpp's two converters then see the same plain schema."""
    if isinstance(node, list):
        return [_inline(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(parts[node["$ref"]], parts)
    if "properties" in node:  # field names are not keywords: a field may be called "title"
        properties = {name: _inline(value, parts) for name, value in node["properties"].items()}
        rest = {key: _inline(value, parts) for key, value in node.items() if key not in (*_NOT_FOR_THE_GRAMMAR, "properties")}
        return {**rest, "properties": properties}
    return {key: _inline(value, parts) for key, value in node.items() if key not in _NOT_FOR_THE_GRAMMAR}


def json_schema(answer: type) -> dict[str, Any]:
    """The JSON schema for the grammar: no references, properties in field order, all required, nothing else allowed."""
    found: dict[str, Any] = json.loads(_schema_text(answer))
    return found


def shape(answer: type) -> str:
    """The answer's JSON with empty content, as `json.dumps` writes it: texts "", numbers 0, lists with one element."""
    return json.dumps(_empty(json_schema(answer)))


def _empty(node: dict[str, Any]) -> Any:
    if node["type"] == "object":
        return {name: _empty(value) for name, value in node["properties"].items()}
    if node["type"] == "array":
        return [_empty(node["items"])]
    return 0 if node["type"] in ("integer", "number") else ""
