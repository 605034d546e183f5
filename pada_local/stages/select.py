"""Choose which accepted samples the next round trains on: up to each strategy's quota, in the order they were written."""

import msgspec

from pada_local.context import Context, Outcome
from pada_local.records import Candidate, Strategy

VERSION = 1
USES = ("generate", "gate")
PROMPTS: tuple[str, ...] = ()


def run(context: Context) -> Outcome:
    """Mark the selected samples. The leak guard stands here once more: nothing else comes between them and training."""
    guard = context.scratch["guard"]
    room = {row.id: row.quota for row in context.rows.get(Strategy, run_id=context.run_id, round=context.round)}
    room[""] = max(0, context.recipe.generate.budget - sum(room.values()))
    accepted = context.rows.get(Candidate, run_id=context.run_id, round=context.round, state="accepted")
    changed, leaked = [], 0
    for row in sorted(accepted, key=lambda row: (row.wave, row.position)):
        reason = guard.refuses(row.input)
        if reason:
            changed.append(msgspec.structs.replace(row, state="leaked", reason=reason, selected=False))
            leaked += 1
        elif room.get(row.strategy_id, 0) > 0:
            room[row.strategy_id] -= 1
            changed.append(msgspec.structs.replace(row, selected=True))
    counts = {"accepted": len(accepted) - leaked, "selected": len(changed) - leaked, "leaked": leaked}
    return Outcome(counts, replace=changed)
