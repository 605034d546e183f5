"""k-means for every k; which k is right is the caller's decision."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from pada_local.student.protocol import Cluster, Clustering
from pada_local.worker.problems import JobError


def cluster(job: Cluster, send: Callable[[Any], None]) -> dict[str, float | int | str]:
    """Send one entry per k from 1 to `k_max`, never more than there are distinct points."""
    points = _points(job.vectors)
    distinct = len(np.unique(points, axis=0))
    k_max = max(1, min(job.k_max, distinct))
    parts = [_one(points, k, job.seed, job.n_init) for k in range(1, k_max + 1)]
    inertia, silhouette, labels, distances = zip(*parts, strict=True)
    send(Clustering(inertia=list(inertia), silhouette=list(silhouette), labels=list(labels), distances=list(distances)))
    return {"points": len(points), "distinct": distinct, "k_max": k_max}


def _points(vectors: list[list[float]]) -> np.ndarray:
    try:
        points = np.asarray(vectors, dtype=np.float64)
    except ValueError:
        points = np.empty(0)
    if points.ndim != 2 or points.size == 0 or not np.isfinite(points).all():
        raise JobError("data", "These vectors cannot be clustered.", "They must be finite, equally long and at least one.")
    return points


def _one(points: np.ndarray, k: int, seed: int, n_init: int) -> tuple[float, float, list[int], list[float]]:
    """Inertia, silhouette (0 where it is not defined), labels, and distance of every point to its centre."""
    if k == 1:
        # Computed here: exact for identical points, and without loading scikit-learn.
        distance = np.linalg.norm(points - points.mean(axis=0), axis=1)
        return float((distance**2).sum()), 0.0, [0] * len(points), distance.tolist()
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer clusters than asked for is expected of nearly equal points
        model = KMeans(n_clusters=k, n_init=n_init, random_state=seed).fit(points)
    distance = np.linalg.norm(points - model.cluster_centers_[model.labels_], axis=1)
    found = len(set(model.labels_.tolist()))
    silhouette = float(silhouette_score(points, model.labels_)) if 1 < found < len(points) else 0.0
    return float(model.inertia_), silhouette, model.labels_.tolist(), distance.tolist()
