"""Facts about the examples of a project: how many, how long, which labels, what stands twice, what is too alike across splits."""

from typing import Any

from pada_local.data.duplicates import DuplicateIndex
from pada_local.records import Example

MOST_LABELS, MOST_PAIRS = 40, 50
LOOKED_AT = {"test": 6000, "validation": 6000, "train": 12000}
NEAR = 0.8
"""Overlap of word triples from which two inputs are called nearly the same."""


def example_facts(project: Any) -> dict[str, Any]:
    """Counts, lengths in characters (median, 95 of 100, longest), the most frequent outputs, inputs that stand twice."""
    lengths = project.sql(
        "SELECT split, count(*), quantile_disc(length(input), [0.5, 0.95, 1.0]), "
        "quantile_disc(length(output), [0.5, 0.95, 1.0]), count(DISTINCT output) FROM examples GROUP BY split ORDER BY split"
    )
    outputs = project.sql(
        "SELECT output, count(*) FILTER (split = 'train'), count(*) FILTER (split = 'validation') FROM examples "
        "WHERE split <> 'test' GROUP BY output ORDER BY count(*) DESC, output LIMIT ?", [MOST_LABELS],
    )  # fmt: skip
    twice = project.sql(
        "SELECT any_value(input), count(*), count(DISTINCT output), list_sort(list(DISTINCT split)) FROM examples "
        "GROUP BY lower(trim(input)) HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT ?", [MOST_PAIRS],
    )  # fmt: skip
    names = ("median", "most", "longest")
    return {
        "splits": {
            split: {"count": count, "input": dict(zip(names, i, strict=True)), "output": dict(zip(names, o, strict=True)),
                    "different_outputs": different}
            for split, count, i, o, different in lengths
        },
        "outputs": [{"output": text[:200], "train": train, "validation": held} for text, train, held in outputs],
        "twice": [{"input": text[:200], "count": count, "different_outputs": different, "splits": splits}
                  for text, count, different, splits in twice if "test" not in splits],
    }  # fmt: skip


def leak_report(project: Any) -> dict[str, Any]:
    """Inputs of one split that are nearly the same as one of another: what makes a validation or test score too good.

    Texts of the test split are counted and not shown.
    """
    index, origin = DuplicateIndex(NEAR), {}
    pairs: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for split, most in LOOKED_AT.items():
        rows = project.get(Example, split=split)[:most]
        for row in rows:
            twin = index.find(row.input)
            if twin is not None and origin[twin[0]][0] != split:
                name = f"{origin[twin[0]][0]} and {split}"
                counts[name] = counts.get(name, 0) + 1
                if "test" not in (split, origin[twin[0]][0]) and len(pairs) < MOST_PAIRS:
                    pairs.append({"first": origin[twin[0]][1], "second": row.input[:200], "why": twin[1]})
        for row in rows:
            index.add(row.id, row.input)
            origin[row.id] = (split, row.input[:200])
    return {"near": NEAR, "counts": counts, "pairs": pairs, "looked_at": len(origin)}
