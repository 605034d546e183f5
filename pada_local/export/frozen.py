"""Figures about texts, kept by a copy of a project that has the texts no longer (see `copy`)."""

from typing import Any

import msgspec

from pada_local.records import Pattern, Setting

KEY = "figures"


def figures_of(project: Any, name: str) -> dict[str, Any] | None:
    """The kept figures of a kind (`rates` by pattern id, `quality` by run id); None in a project that has its texts."""
    row = project.one(Setting, key=KEY)
    return msgspec.json.decode(row.value)[name] if row else None


def freeze(report: dict[str, Any], project: Any, blind: Any) -> str:
    """The setting that a copy gets: the report's figures about texts, without the words that rates are made of."""
    numbers = {(row.run_id, row.round, row.number): row.id for row in project.get(Pattern)}
    rates = {}
    for run in report["runs"]:
        for one in run["rounds"]:
            ids = [numbers[key] for key in sorted(numbers) if key[:2] == (run["id"], one["round"])]
            rates |= {blind(name): part["rate"] | {"marks": []} for name, part in zip(ids, one["patterns"], strict=True)}
    quality = {run["id"]: run["quality"] for run in report["runs"]}
    return msgspec.json.encode({"rates": rates, "quality": quality}).decode()
