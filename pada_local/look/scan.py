"""`pada scan`: likely personal data in the examples and in the samples that the teacher wrote; nothing is changed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pada_local.data import personal
from pada_local.records import Candidate, Example
from pada_local.runtime.safe import safe_line

MOST_SHOWN = 5
_AROUND = 20


def scan(project: Any) -> dict[str, Any]:
    """How many examples and samples hold what looks personal, by kind; some places of each kind, and the ids of all rows."""
    parts = []
    for what, kind in (("examples", Example), ("samples", Candidate)):
        rows = project.get(kind)
        counts: Counter[str] = Counter()
        marked: list[dict[str, Any]] = []
        shown: dict[str, list[str]] = {}
        for row in rows:
            found = list(_found(row))
            counts.update(name for name, _ in found)
            if found:
                marked.append({"id": row.id, "kinds": sorted({name for name, _ in found})})
            for name, place in found:
                if len(shown.setdefault(name, [])) < MOST_SHOWN:
                    shown[name].append(f"{row.id[:10]}: {place}")
        parts.append({"what": what, "rows": len(rows), "marked": marked, "counts": dict(counts.most_common()), "shown": shown})
    return {"parts": parts}


def _found(row: Any) -> Iterator[tuple[str, str]]:
    """Kind and place of everything found in one row; the place with a few characters around it."""
    for text in (row.input, row.output):
        for span in personal.find(text):
            before, after = text[max(0, span.start - _AROUND) : span.start], text[span.end : span.end + _AROUND]
            yield span.kind, safe_line(f"{before}»{text[span.start : span.end]}«{after}")
