"""Choose which accepted samples the next round trains on: up to each strategy's quota or a baseline's own limits, in order."""

from collections import Counter

import msgspec

from pada_local.context import Context, Outcome
from pada_local.methods.writers import WRITERS
from pada_local.records import Candidate, Strategy

VERSION = 3
USES = ("loop", "generate", "gate")
PROMPTS: tuple[str, ...] = ()


def run(context: Context) -> Outcome:
    """Mark the selected samples. The leak guard stands here once more: nothing else comes between them and training."""
    guard = context.scratch["guard"]
    room = {row.id: row.quota for row in context.rows.get(Strategy, run_id=context.run_id, round=context.round)}
    room[""] = max(0, context.recipe.generate.budget - sum(room.values()))
    writer = WRITERS.get(context.recipe.loop.augment)
    most = writer.per_seed(context) if writer else 0
    if writer:
        room[""] = writer.total(context)
    taken: Counter[str] = Counter()
    accepted = context.rows.get(Candidate, run_id=context.run_id, round=context.round, state="accepted")
    changed, leaked = [], 0
    for row in sorted(accepted, key=lambda row: (row.wave, row.position)):
        reason = guard.refuses(row.input) or guard.gives_away(row.output)
        if reason:
            changed.append(msgspec.structs.replace(row, state="leaked", reason=reason, selected=False))
            leaked += 1
        elif room.get(row.strategy_id, 0) > 0 and not (most and taken[row.seed_examples[0]] >= most):
            taken[row.seed_examples[0] if row.seed_examples else ""] += 1
            room[row.strategy_id] -= 1
            changed.append(msgspec.structs.replace(row, selected=True))
    counts = {"accepted": len(accepted) - leaked, "selected": len(changed) - leaked, "leaked": leaked}
    return Outcome(counts, replace=changed)
