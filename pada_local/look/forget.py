"""What `pada forget` would take out, and what was trained on it: shown before anything is changed."""

from collections.abc import Sequence
from typing import Any

from pada_local.errors import UsageError
from pada_local.records import Candidate, Example, Pattern, Round, Run, Strategy
from pada_local.runtime.safe import safe_line
from pada_local.store import erase

SHORTEST = 3
_SHOWN, _WIDTH = 10, 100


def plan(project: Any, texts: Sequence[str], with_runs: bool = False) -> dict[str, Any]:
    """Rows that go and texts that are written over, by table; examples to look at; adapters and rounds behind which they stand.

    With `with_runs` the runs of those adapters go whole. Raises UsageError for a text that is too short to mean somebody.
    """
    if short := [text for text in texts if len(text.strip()) < SHORTEST]:
        raise UsageError(
            f"'{short[0]}' is too short to search for.", f"At least {SHORTEST} characters.", "Give more of the text."
        )
    found = erase.find(project.sql, texts)
    affected = _affected(project, found)
    runs = sorted({one["run_id"] for one in affected}) if with_runs else []
    if runs:
        found = erase.find(project.sql, texts, runs)
    examples = project.get(Example, id=sorted(found.get("examples", ())))
    return {
        "removed": {name: len(keys) for name, keys in found.items()},
        "rewritten": {name: len(keys) for name, keys in erase.rewritten(project.sql, texts).items()},
        "left": {name: sorted(keys) for name, keys in erase.left(project.sql, texts).items()},
        "examples": [f"{one.split} {one.id[:10]}: {safe_line(one.input, _WIDTH)}" for one in examples[:_SHOWN]],
        "affected": affected,
        "runs": runs,
    }


def _affected(project: Any, found: erase.Keys) -> list[dict[str, Any]]:
    """Every adapter that learned from what goes, with its rounds: by example, by sample, or by a pattern that led to samples."""
    examples = project.get(Example, id=sorted(found.get("examples", ())))
    in_training = any(one.split == "train" for one in examples)
    analyses = found.get("analyses", set())
    first: dict[str, tuple[int, str]] = {}

    def note(run_id: str, round_number: int, why: str) -> None:
        if run_id not in first or round_number < first[run_id][0]:
            first[run_id] = (round_number, why)

    for row in project.get(Candidate, id=sorted(found.get("candidates", ())), selected=True):
        note(row.run_id, row.round + 1, "trained on a sample that was made from it")
    touched = {row.id for row in project.get(Pattern) if analyses & set(row.members)}
    led = {row.id for row in project.get(Strategy) if row.pattern_id in touched}
    for row in project.get(Candidate, selected=True):
        if row.pattern_id in touched or row.strategy_id in led:
            note(row.run_id, row.round + 1, "trained on samples for a pattern of which it was a part")
    names = {run.id: run.recipe for run in project.get(Run)}
    affected = []
    for row in project.get(Round):
        begins, why = (1, "trained on it") if in_training else first.get(row.run_id, (0, ""))
        if row.adapter_id and why and row.number >= begins:
            affected.append({"run_id": row.run_id, "recipe": names.get(row.run_id, ""), "round": row.number,
                             "adapter": row.adapter_id, "why": why})  # fmt: skip
    return affected
