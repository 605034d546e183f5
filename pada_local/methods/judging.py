"""Questions to the judge and what their answers mean: scores, and answering the input again without seeing the output."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pada_local import prompts
from pada_local.context import Context
from pada_local.methods.gate import judge_accepts
from pada_local.methods.seeds import call_seed, rng
from pada_local.metrics.registry import equal
from pada_local.records import Example
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import Scores, Solution

ANY_STRATEGY = "Write items that fit the task."


class Item(NamedTuple):
    """What is judged: an input with its claimed output, and the strategy it was written for."""

    id: str
    input: str
    output: str
    strategy: str = ANY_STRATEGY


def score_ask(context: Context, item: Item) -> Ask:
    """Ask for the four scores and a reason."""
    fields = {"card": context.settings["task"], "strategy": item.strategy, "input": item.input, "output": item.output}
    prompt = prompts.render("judge", **fields)
    return Ask(purpose="judge", prompt=prompt, schema=Scores, max_tokens=context.recipe.teacher.analysis_tokens)


def solve_asks(context: Context, item: Item, anchors: Sequence[Example]) -> list[Ask]:
    """Ask for the answer to the input, `votes` times: the first greedily, the others at the recipe's temperature."""
    asks = []
    for vote in range(context.recipe.gate.votes):
        place = (context.seed, "solve", item.input, vote)
        shown = rng(*place).sample(list(anchors), min(context.recipe.generate.anchors, len(anchors)))
        text = "\n".join(f"Input: {example.input}\nOutput: {example.output}" for example in shown)
        prompt = prompts.render("solve", card=context.settings["task"], anchors=text, input=item.input)
        asks.append(Ask(
            purpose="solve", prompt=prompt, schema=Solution, max_tokens=context.recipe.teacher.item_tokens,
            temperature=0.0 if vote == 0 else context.recipe.generate.temperature, seed=call_seed(*place),
        ))  # fmt: skip
    return asks


def scored(context: Context, answer: Answer) -> tuple[bool, float | None, str]:
    """Whether the scores suffice, their mean, and the judge's reason. Unreadable scores refuse, and have no mean."""
    if answer.value is None:
        return False, None, f"The judge's answer could not be read: {answer.reason}"
    value, gate = answer.value, context.recipe.gate
    scores = {name: getattr(value, name) for name in ("relevance", "adherence", "utility", "correctness")}
    passed, _ = judge_accepts(scores, gate.mean_at_least, gate.min_at_least)
    return passed, sum(scores.values()) / 4, value.reason


def rederived(context: Context, item: Item, answers: Sequence[Answer]) -> tuple[bool, str]:
    """Whether the majority of the judge's own answers equals the output by the project's metric, and why not."""
    own = Counter(answer.value.answer.strip() for answer in answers if answer.value is not None)
    if not own:
        return False, "The judge could not answer the input."
    best = own.most_common(1)[0][0]
    if equal(context.settings["metric"], best, item.output):
        return True, ""
    return False, f"Answering the input again gave another output: {best}"
