"""How often examples like a pattern's failures fail, beside the rest of validation; what the rates are made of is in the rows."""

from collections import defaultdict
from typing import Any

import msgspec

from pada_local.export.frozen import figures_of
from pada_local.export.scores import Scores
from pada_local.export.trends import failure_limit
from pada_local.metrics.weakness import Item, Rate, pattern_rates
from pada_local.records import Analysis, Pattern, Round, Run


def rates_of_run(project: Any, scores: Scores, run: Run) -> dict[str, Rate]:
    """The rate of each pattern of a run, by the pattern's id; tests are corrected over the patterns of one round."""
    kept = figures_of(project, "rates")
    if kept is not None:
        return {row.id: msgspec.convert(kept[row.id], Rate) for row in project.get(Pattern, run_id=run.id)}
    below, found = failure_limit(project, run), {}
    adapters = {row.number: row.adapter_id for row in project.get(Round, run_id=run.id)}
    of_round: dict[int, list[Pattern]] = defaultdict(list)
    for pattern in project.get(Pattern, run_id=run.id):
        of_round[pattern.round].append(pattern)
    for number, patterns in of_round.items():
        behind = {row.id: row.example_id for row in project.get(Analysis, run_id=run.id, round=number)}
        member_of = {behind[one]: pattern.number for pattern in patterns for one in pattern.members if one in behind}
        values = scores.of(adapters.get(number, ""), "validation").values
        items = [
            Item(one.id, one.input, one.output, values[one.id] < below, member_of.get(one.id))
            for one in scores.examples["validation"] if one.id in values
        ]  # fmt: skip
        rates = pattern_rates(items, [pattern.number for pattern in patterns])
        found |= {pattern.id: rates[pattern.number] for pattern in patterns}
    return found


def told(rate: dict[str, Any]) -> str:
    """A rate as words: '15 of 15 like these failed (100% [80%, 100%]), 17% of the rest: weak, q=0.001'."""
    if not rate["n"]:
        return "rate: no words mark its failures in both halves of validation"
    rest = rate["rest_failures"] / rate["rest_n"] if rate["rest_n"] else 0.0
    q = "q<0.001" if rate["q"] < 0.001 else f"q={rate['q']:.3f}"
    whole = f"rate {rate['rate']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] of {rate['n']} like these, rest {rest:.0%}, {q}"
    return f"{whole}: {'a weakness' if rate['weak'] else 'no more than chance shown'}"
