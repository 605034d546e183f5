"""AugGPT (arXiv 2302.13007): every training input in other words, its output unchanged. No failures, no rounds, no filter.

From the paper's released data: six rephrasings of each example, all of them used. Ours: the numbers, quoted strings and
code spans of the input have to survive, and where the budget is smaller than six of each, examples are drawn.
"""

import re
from collections import Counter

from pada_local import prompts
from pada_local.context import Context
from pada_local.methods.seeds import rng
from pada_local.methods.writing import Order, accepted_by_seed, writing_ask
from pada_local.records import Example
from pada_local.teacher.schemas import Rephrasings

LITERALS = re.compile(r"\d+(?:[.,]\d+)*|`[^`\n]+`|\"[^\"\n]+\"|“[^”\n]+”")


def per_seed(context: Context) -> int:
    """Rephrasings of one example."""
    return context.recipe.generate.per_example


def total(context: Context) -> int:
    """Six of every example, or the budget where that is less."""
    return min(context.recipe.generate.budget, per_seed(context) * len(_parents(context)))


def orders(context: Context, missing: int) -> list[Order]:
    """One question for each example that lacks rephrasings, in a drawn order, until the budget is asked for."""
    have, placed = accepted_by_seed(context), []
    parents = _parents(context)
    rng("rephrase", context.seed).shuffle(parents)
    for parent in parents:
        n = min(per_seed(context) - have.get(parent.id, 0), missing)
        if n <= 0:
            continue
        place = (context.seed, context.round, context.wave, "rephrase", parent.id)
        prompt = prompts.render("rephrase", card=context.settings["task"], input=parent.input, n=n)
        ask = writing_ask(context, "rephrase", prompt, n, place, Rephrasings)
        placed.append(Order(ask, "rephrase", None, None, [parent.id], output=parent.output, most=n))
        missing -= n
    return placed


def lost_literals(before: str, after: str) -> str:
    """Why a rephrasing cannot keep the output: a number, quoted string or code span came or went; "" when none did."""
    had, has = (Counter(LITERALS.findall(text)) for text in (before, after))
    lost, new = (had - has), (has - had)
    if not lost and not new:
        return ""
    gone = ", ".join([*(f"lost {one}" for one in lost), *(f"new {one}" for one in new)])
    return f"The rephrasing does not keep the numbers and quotations of its input: {gone}."


def _parents(context: Context) -> list[Example]:
    guard = context.scratch["guard"]
    rows = [example for example in context.training_examples() if not guard.refuses(example.input)]
    return sorted(rows, key=lambda example: example.id)  # so that the order of the file decides nothing
