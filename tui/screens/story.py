"""A sample and where it comes from: strategy, checks, the training examples shown to the teacher, the most similar one."""

from typing import Any

from rich.text import Text

from tui.door import Door
from tui.plain import block
from tui.themes import mark


def heading(row: dict[str, Any]) -> Text:
    """The sample and its state."""
    text = Text.assemble(("input\n", "bold"), block(row["input"]), ("\n\noutput\n", "bold"), block(row["output"]), "\n\n")
    text.append(f"{mark(row['state'])}{', chosen for training' if row['selected'] else ''}", "bold")
    return text.append(block(f"  {row['reason']}\n"))


def story(door: Door, row: dict[str, Any]) -> Text:
    """Pattern, strategy, every check with its reason, training examples."""
    text = Text()
    for pattern in door.rows("Pattern", id=row["pattern_id"]) if row["pattern_id"] else []:
        text.append("\npattern\n", "bold").append(block(f"{pattern['name']}: {pattern['text']}\n"))
    for strategy in door.rows("Strategy", id=row["strategy_id"]) if row["strategy_id"] else []:
        text.append("\nstrategy\n", "bold").append(block(strategy["edited"] or strategy["drafted"])).append("\n")
    if not row["strategy_id"]:
        text.append("\nwritten after a training example that the student gets wrong\n", "bold")
    text.append("\nchecks\n", "bold")
    for verdict in door.rows("Verdict", candidate_id=row["id"]):
        value = "" if verdict["value"] is None else f" {verdict['value']:.2f}"
        text.append(block(f"{'✓' if verdict['passed'] else '✗'} {verdict['criterion']}{value}  {verdict['reason']}\n"))
    seeds = door.rows("Example", id=row["seed_examples"]) if row["seed_examples"] else []
    text.append("\nwritten with these training examples in view\n" if seeds else "", "bold")
    for seed in seeds:
        text.append(block(f"{seed['input']}\n  -> {seed['output']}\n"))
    if row["input"] and (near := door.ask("nearest", text=row["input"])):
        text.append(f"\nmost similar training example (shares {near['overlap']:.0%} of its words)\n", "bold")
        text.append(block(f"{near['input']}\n  -> {near['output']}\n"))
    return text
