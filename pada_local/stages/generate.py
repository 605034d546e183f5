"""Write new samples: from strategies (with format examples from training data), near training errors, again with feedback;
or as a published baseline or an ablation writes them (`WRITERS`).

Every item that comes back is one candidate; a text that cannot be read is one candidate too, in the state unparsable.
Calls come in waves: each asks for what the gate has not yet accepted.
"""

from collections import Counter
from collections.abc import Sequence

from pada_local import prompts
from pada_local.context import Context, Outcome
from pada_local.events import StageProgress
from pada_local.methods.predictions import train_errors
from pada_local.methods.seeds import rng
from pada_local.methods.writers import WRITERS
from pada_local.methods.writing import Order, call_sizes, format_examples, writing_ask
from pada_local.records import Candidate, Strategy, content_id
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import Rephrasings

VERSION = 2
USES = ("loop", "generate", "gate", "teacher")
PROMPTS = ("generate", "near_error", "regenerate", "rephrase", "repair")
RETRIED = ("rejected",)


def run(context: Context) -> Outcome:
    """Ask for what is still wanted; write every returned item as a pending candidate."""
    writer = WRITERS.get(context.recipe.loop.augment)
    if writer is not None:
        orders = writer.orders(context, wanted(context).get("", 0))
    else:
        orders = [*_regenerations(context), *_from_strategies(context), *_near_errors(context)]

    def progress(done: int) -> None:
        context.emit(StageProgress(run_id=context.run_id, round=context.round, stage="generate", done=done, total=len(orders)))

    made = 0

    def then(position: int, answer: Answer) -> list[Ask]:
        nonlocal made
        new = _candidates(context, orders[position], answer, start=made)
        made += len(new)
        return context.ahead(new)

    answers = context.teacher.ask_all([order.ask for order in orders], progress, then)
    rows = []
    for order, answer in zip(orders, answers, strict=True):
        rows += _candidates(context, order, answer, start=len(rows))
    counts = {"calls": len(orders), "generated": len(rows), "unparsable": sum(row.state == "unparsable" for row in rows)}
    return Outcome(counts, put=rows)


def wanted(context: Context) -> dict[str, int]:
    """Samples still wanted by strategy id; the empty id stands for samples that no strategy asked for."""
    accepted = context.rows.get(Candidate, run_id=context.run_id, round=context.round, state="accepted")
    if writer := WRITERS.get(context.recipe.loop.augment):
        have = _selectable(accepted, writer.per_seed(context))
        return {"": left} if (left := writer.total(context) - have) > 0 else {}
    strategies = context.rows.get(Strategy, run_id=context.run_id, round=context.round)
    missing = {strategy.id: strategy.quota for strategy in strategies if strategy.quota}
    near = context.recipe.generate.budget - sum(missing.values())
    if context.recipe.generate.share_train_error and near > 0:
        missing[""] = near
    for row in accepted:
        if row.strategy_id in missing:
            missing[row.strategy_id] -= 1
    return {key: count for key, count in missing.items() if count > 0}


def _selectable(accepted: Sequence[Candidate], per_seed: int) -> int:
    """How many of the accepted samples count: no more for each seed than will be selected."""
    by_seed = Counter(row.seed_examples[0] if row.seed_examples else "" for row in accepted)
    return sum(min(count, per_seed) if per_seed else count for count in by_seed.values())


def _from_strategies(context: Context) -> list[Order]:
    orders, missing, settings = [], wanted(context), context.recipe.generate
    anchors = [e for e in context.training_examples() if not context.scratch["guard"].refuses(e.input)]
    for strategy in context.rows.get(Strategy, run_id=context.run_id, round=context.round, state="ok"):
        retried = sum(row.strategy_id == strategy.id for row in _refused(context))
        for number, n in enumerate(call_sizes(context, max(0, missing.get(strategy.id, 0) - retried))):
            place = (context.seed, context.round, context.wave, strategy.id, number)
            shown = rng("anchors", *place).sample(anchors, min(settings.anchors, len(anchors)))
            prompt = prompts.render(
                "generate", card=context.settings["task"], anchors=format_examples(shown), n=n,
                strategy=strategy.edited or strategy.drafted,
            )  # fmt: skip
            ask = writing_ask(context, "generate", prompt, n, place)
            orders.append(Order(ask, "strategy", strategy, None, [e.id for e in shown]))
    return orders


def _near_errors(context: Context) -> list[Order]:
    missing = wanted(context).get("", 0)
    guard = context.scratch["guard"]
    seeds = [example for example in train_errors(context) if not guard.refuses(example.input)]
    if not missing or not seeds:
        return []
    orders, draw = [], rng("errors", context.seed, context.round, context.wave)
    for number, n in enumerate(call_sizes(context, missing)):
        seed = draw.choice(seeds)
        place = (context.seed, context.round, context.wave, "error", number)
        prompt = prompts.render("near_error", card=context.settings["task"], input=seed.input, output=seed.output, n=n)
        orders.append(Order(writing_ask(context, "near_error", prompt, n, place), "train_error", None, None, [seed.id]))
    return orders


def _refused(context: Context) -> list[Candidate]:
    """What the gate refused in the wave before and may be written again: not what leaked, whose text must not come back."""
    rows = context.rows.get(Candidate, run_id=context.run_id, round=context.round, wave=context.wave - 1, state=list(RETRIED))
    return [row for row in rows if row.strategy_id and row.attempt < context.recipe.gate.regenerations]


def _regenerations(context: Context) -> list[Order]:
    orders, missing = [], wanted(context)
    strategies = {row.id: row for row in context.rows.get(Strategy, run_id=context.run_id, round=context.round)}
    for row in _refused(context):
        if missing.get(row.strategy_id, 0) <= 0:
            continue
        missing[row.strategy_id] -= 1
        strategy = strategies[row.strategy_id]
        prompt = prompts.render(
            "regenerate", card=context.settings["task"], strategy=strategy.edited or strategy.drafted,
            input=row.input, output=row.output, reason=row.reason, n=1,
        )  # fmt: skip
        place = (context.seed, context.round, context.wave, row.id)
        orders.append(Order(writing_ask(context, "regenerate", prompt, 1, place), "strategy", strategy, row, row.seed_examples))
    return orders


def _candidates(context: Context, order: Order, answer: Answer, start: int) -> list[Candidate]:
    fields = {
        "run_id": context.run_id, "round": context.round, "wave": context.wave, "origin": order.origin,
        "pattern_id": order.strategy.pattern_id if order.strategy else "",
        "strategy_id": order.strategy.id if order.strategy else "",
        "parent_id": order.parent.id if order.parent else "", "seed_examples": order.seeds,
        "attempt": order.parent.attempt + 1 if order.parent else 0, "call_key": answer.call_key,
    }  # fmt: skip

    def row(offset: int, text: tuple[str, str], state: str, reason: str = "") -> Candidate:
        position = start + offset
        row_id = content_id("candidate", context.run_id, context.round, context.wave, position, answer.call_key)
        return Candidate(id=row_id, position=position, input=text[0], output=text[1], state=state, reason=reason, **fields)

    if answer.value is None:
        return [row(0, ("", ""), "unparsable", answer.reason)]
    if not _pairs(order, answer):
        return [row(0, ("", ""), "unparsable", "The list of items is empty.")]
    return [row(offset, pair, "pending") for offset, pair in enumerate(_pairs(order, answer))]


def _pairs(order: Order, answer: Answer) -> list[tuple[str, str]]:
    """Inputs and outputs of an answer; rephrasings keep the output of what they rephrase, byte for byte."""
    if isinstance(answer.value, Rephrasings):
        pairs = [(text.strip(), order.output) for text in answer.value.rephrasings]
    else:
        pairs = [(item.input.strip(), item.output.strip()) for item in answer.value.items]
    return pairs[: order.most or None]
