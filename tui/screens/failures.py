"""What the patterns screen asks of the file, and a pattern with its failures as a text."""

from typing import Any

from rich.text import Text

from tui.door import Door
from tui.plain import block, difference, shortened

MOST_FAILURES = 40


def patterns_of(door: Door, run_id: str, number: int = 0) -> dict[str, Any]:
    """Patterns of a round (the last that has any, for 0), largest first, with strategies, trends, explanations and the map."""
    patterns = door.rows("Pattern", run_id=run_id)
    last = max((row["round"] for row in patterns), default=0)
    number = number if 0 < number <= last else last
    analyses = {row["id"]: row for row in door.rows("Analysis", run_id=run_id, round=number)}
    return {
        "run_id": run_id, "round": number, "last": last, "analyses": analyses,
        "patterns": sorted((row for row in patterns if row["round"] == number), key=lambda row: -row["failures"]),
        "strategies": {row["pattern_id"]: row for row in door.rows("Strategy", run_id=run_id, round=number)},
        "explained": sum(row["state"] == "ok" for row in analyses.values()),
        "trends": door.ask("trends", run=run_id) if patterns else {},
        "rates": door.ask("rates", run=run_id) if patterns else {},
        "map": door.ask("map", run=run_id, round=number) if patterns else {"points": [], "explained": 0.0},
    }  # fmt: skip


def failures_of(door: Door, analyses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Input, expected, predicted and cause of each, in the given order; at most MOST_FAILURES."""
    analyses = analyses[:MOST_FAILURES]
    examples = {row["id"]: row for row in door.rows("Example", id=[one["example_id"] for one in analyses])}
    answers = {row["id"]: row for row in door.rows("Prediction", id=[one["prediction_id"] for one in analyses])}
    return [
        {"input": examples[one["example_id"]]["input"], "expected": examples[one["example_id"]]["output"],
         "predicted": answers[one["prediction_id"]]["text"], "cause": one["root_cause"]}
        for one in analyses
        if one["example_id"] in examples and one["prediction_id"] in answers
    ]  # fmt: skip


def in_full(row: dict[str, Any], strategy: dict[str, Any] | None, failures: list[dict[str, Any]], marked: int) -> Text:
    """The pattern with its rate (row["rate"], where it is known), its strategy, and its failures from the marked one on."""
    text = Text.assemble((shortened(row["name"], 200), "bold"), "\n", block(row["text"]), "\n\n")
    if rate := row.get("rate"):
        marks = f"; marked by: {', '.join(rate['marks'])}" if rate["marks"] else ""
        text.append(block(rate["told"] + marks)).append("\n\n")
    if strategy:
        text.append("strategy", "bold").append(" (rewritten)" if strategy["edited"] else "").append("\n")
        text.append(block(strategy["edited"] or strategy["drafted"])).append("\n\n")
    text.append("failures behind it, the most typical first", "bold")
    for at, one in enumerate(failures[marked:], marked):
        told = f"{at + 1} of {row['failures']}"
        text.append(f"\n\n▸ {told}  (t tries it out)\n" if at == marked else f"\n\n  {told}\n", "bold" if at == marked else "")
        shown = difference(one["expected"], one["predicted"])
        text.append(Text.assemble(block(one["input"]), "\n", shown, block(one["cause"], "italic")))
    return text
