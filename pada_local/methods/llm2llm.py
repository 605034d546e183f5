"""LLM2LLM (arXiv 2403.15042): one new item near every *original* training example that the student gets wrong.

From the published code: the student is trained again from the base each time, only original examples are ever varied,
the student's wrong answer is not shown, `per_train_error` = 1 item each, a try asks for more items the more tries there
were (at most 10), and ROUGE-L against every earlier input may be 0.95 at most. Ours: greedy answers instead of sampled
ones, the end of trying (`max_waves`; the code tries for ever), and the budget, from which examples are drawn.
"""

from collections.abc import Sequence

from pada_local import prompts
from pada_local.context import Context
from pada_local.methods.predictions import train_errors
from pada_local.methods.seeds import rng
from pada_local.methods.writing import Order, accepted_by_seed, writing_ask
from pada_local.metrics.exact import normalised
from pada_local.metrics.tokens import common_subsequence
from pada_local.records import Example

MOST_PER_CALL = 10


def per_seed(context: Context) -> int:
    """Items near one wrong example."""
    return context.recipe.generate.per_train_error


def total(context: Context) -> int:
    """So many for every wrong example, or the budget where that is less."""
    return min(context.recipe.generate.budget, per_seed(context) * len(_seeds(context)))


def orders(context: Context, missing: int) -> list[Order]:
    """One question for each wrong example that lacks items; every try asks for one more."""
    have, k = accepted_by_seed(context), per_seed(context)
    placed = []
    for seed in _seeds(context)[: -(-context.recipe.generate.budget // k)]:
        if have.get(seed.id, 0) >= k or missing <= 0:
            continue
        n = min(k + context.wave - 1, MOST_PER_CALL)
        missing -= k - have.get(seed.id, 0)
        place = (context.seed, context.round, context.wave, "llm2llm", seed.id)
        prompt = prompts.render("near_error", card=context.settings["task"], input=seed.input, output=seed.output, n=n)
        placed.append(Order(writing_ask(context, "near_error", prompt, n, place), "train_error", None, None, [seed.id]))
    return placed


def too_similar(text: str, earlier: Sequence[str], most: float) -> str:
    """Why an input repeats an earlier one: ROUGE-L (F, over words) above `most` with it; "" when with none."""
    words = normalised(text).split()
    for other in earlier:
        theirs = normalised(other).split()
        # The subsequence is never longer than the shorter text: most pairs are settled by their lengths.
        whole = len(words) + len(theirs)
        if not whole or 2 * min(len(words), len(theirs)) / whole <= most:
            continue
        value = 2 * common_subsequence(words, theirs) / whole
        if value > most:
            return f"It repeats an earlier input (ROUGE-L {value:.2f}, allowed {most:g})."
    return ""


def _seeds(context: Context) -> list[Example]:
    """Wrong training examples in a drawn order; those too like a protected text are not shown to the teacher."""
    guard = context.scratch["guard"]
    found = [example for example in train_errors(context) if not guard.refuses(example.input)]
    seeds = sorted(found, key=lambda example: example.id)
    rng("llm2llm", context.seed, context.round).shuffle(seeds)
    return seeds
