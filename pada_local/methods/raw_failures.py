"""Ablation: failed validation examples go straight to the teacher that writes, without analysis, pattern or strategy.

This shows validation texts in prompts that write samples, on purpose and nowhere else: the method's claim is that doing so is
worse. What comes back still passes the leak guard, and the report of such a run says what was shown.
"""

from pada_local import prompts
from pada_local.context import Context
from pada_local.methods.predictions import validation_failures
from pada_local.methods.seeds import rng
from pada_local.methods.writing import Order, call_sizes, writing_ask


def per_seed(_context: Context) -> int:
    """No limit: the budget is spread over the failures by drawing."""
    return 0


def total(context: Context) -> int:
    """The budget, if anything failed."""
    return context.recipe.generate.budget if validation_failures(context) else 0


def orders(context: Context, missing: int) -> list[Order]:
    """Each question shows one failure; all are shown once before one is shown again."""
    failures = validation_failures(context)
    rng("raw", context.seed, context.round, context.wave).shuffle(failures)
    placed = []
    for number, n in enumerate(call_sizes(context, missing) if failures else []):
        seed = failures[number % len(failures)]
        place = (context.seed, context.round, context.wave, "raw", number)
        prompt = prompts.render("near_error", card=context.settings["task"], input=seed.input, output=seed.output, n=n)
        placed.append(Order(writing_ask(context, "near_error", prompt, n, place), "validation_failure", None, None, [seed.id]))
    return placed
