"""What every way of writing samples shares: an order is one question to the teacher and where its items belong."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pada_local.context import Context
from pada_local.methods.seeds import call_seed
from pada_local.records import Candidate, Example, Strategy
from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import NewItems


class Order(NamedTuple):
    """One question and where its items belong. `output` is set where every item keeps it unchanged (rephrasings)."""

    ask: Ask
    origin: str
    strategy: Strategy | None
    parent: Candidate | None
    seeds: list[str]
    output: str = ""
    most: int = 0
    """Items taken of the answer; 0 takes all."""


class Writer(Protocol):
    """A way of writing samples without strategies: a module of this room (`auggpt`, `llm2llm`, `raw_failures`)."""

    def total(self, context: Context) -> int:
        """Accepted samples wanted in the round."""

    def per_seed(self, context: Context) -> int:
        """Most samples selected for each example they were written from; 0 sets no limit."""

    def orders(self, context: Context, missing: int) -> list[Order]:
        """The questions of this wave; `missing` samples are still wanted."""


def call_sizes(context: Context, count: int) -> list[int]:
    """Sizes of the calls that ask for `count` samples and a few more, since some will be refused."""
    settings = context.recipe.generate
    total = math.ceil(count * settings.oversample)
    whole, rest = divmod(total, settings.items_per_call)
    return [settings.items_per_call] * whole + ([rest] if rest else [])


def writing_ask(context: Context, purpose: str, prompt: str, n: int, place: tuple[object, ...], schema: type = NewItems) -> Ask:
    """The question for `n` items; its seed comes from its place in the run."""
    limit = 32 + n * context.recipe.teacher.item_tokens
    temperature = context.recipe.generate.temperature
    return Ask(purpose=purpose, prompt=prompt, schema=schema, max_tokens=limit, temperature=temperature, seed=call_seed(*place))


def format_examples(examples: Sequence[Example]) -> str:
    """Examples as the prompts show them."""
    return "\n".join(f"Input: {example.input}\nOutput: {example.output}" for example in examples)


def accepted_by_seed(context: Context) -> dict[str, int]:
    """Samples accepted in this round by the example that each was written from."""
    rows = context.rows.get(Candidate, run_id=context.run_id, round=context.round, state="accepted")
    found: dict[str, int] = {}
    for row in rows:
        for seed in row.seed_examples[:1]:
            found[seed] = found.get(seed, 0) + 1
    return found
