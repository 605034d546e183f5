"""A map of the failures: the analyses of a round on a plane, so that neighbours say nearly the same."""

from typing import Any

from pada_local.errors import UsageError
from pada_local.export.report import find_run
from pada_local.records import Analysis, Embedding, Pattern, Run, content_id

MOST_POINTS = 2000


def failure_map(project: Any, run_id: str, number: int) -> dict[str, Any]:
    """Points from 0 to 1 on both axes, each with its pattern's number and id, largest pattern first; `explained` is the
    share of the variance that the plane shows (principal components of the sentence vectors).
    """
    run = find_run(project.get(Run), run_id)
    patterns = sorted(project.get(Pattern, run_id=run.id, round=number), key=lambda row: -row.failures)
    analyses = {row.id: row for row in project.get(Analysis, run_id=run.id, round=number, state="ok")}
    placed = [(pattern, one) for pattern in patterns for one in pattern.members if one in analyses]
    step = -(-len(placed) // MOST_POINTS) or 1
    placed = placed[::step]
    vectors = _vectors(project, [f"{analyses[one].scenario}: {analyses[one].root_cause}" for _, one in placed])
    found = [(pattern, one, vector) for (pattern, one), vector in zip(placed, vectors, strict=True) if vector is not None]
    plane, explained = _plane([vector for _, _, vector in found])
    points = [
        {"x": x, "y": y, "pattern": pattern.number, "pattern_id": pattern.id, "analysis": one}
        for (pattern, one, _), (x, y) in zip(found, plane, strict=True)
    ]
    return {"points": points, "explained": explained, "left_out": len(placed) - len(points)}


def _vectors(project: Any, texts: list[str]) -> list[list[float] | None]:
    """The stored vector of each text, whichever embedder made it; None where there is none."""
    ids = {content_id("text", text) for text in texts}
    known = {row.text_id: row.vector for row in project.get(Embedding, text_id=sorted(ids))} if ids else {}
    widths = {len(vector) for vector in known.values()}
    if len(widths) > 1:
        raise UsageError("The failures were embedded by two models, so no one map holds them.")
    return [known.get(content_id("text", text)) for text in texts]


def _plane(vectors: list[list[float]]) -> tuple[list[tuple[float, float]], float]:
    """First two principal components, scaled to 0..1; signs are fixed, so that the same rows give the same map."""
    import numpy  # a hundred milliseconds that only this question needs

    if not vectors:
        return [], 0.0
    rows = numpy.asarray(vectors, dtype=numpy.float64)
    rows = rows - rows.mean(axis=0)
    _, values, axes = numpy.linalg.svd(rows, full_matrices=False)
    axes = axes[:2]
    axes = axes * numpy.sign(axes[numpy.arange(len(axes)), numpy.abs(axes).argmax(axis=1)])[:, None]
    plane = rows @ axes.T
    if plane.shape[1] < 2:
        plane = numpy.concatenate([plane, numpy.zeros((len(plane), 2 - plane.shape[1]))], axis=1)
    low, high = plane.min(axis=0), plane.max(axis=0)
    scaled = (plane - low) / numpy.where(high - low > 1e-9, high - low, 1.0)
    total = float((values**2).sum())
    explained = float((values[:2] ** 2).sum()) / total if total > 0 else 1.0
    return [(round(float(x), 4), round(float(y), 4)) for x, y in scaled], round(explained, 4)
