"""Ways to group points: k-means and average linkage for every k (which k is right is the caller's decision), and by density."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from pada_local.student.protocol import Cluster, Clustering
from pada_local.worker.problems import JobError

FEWEST_IN_CLUSTER = 3
"""Points that make a dense region (HDBSCAN's min_cluster_size)."""


def cluster(job: Cluster, send: Callable[[Any], None]) -> dict[str, float | int | str]:
    """Send one entry per k from 1 to `k_max`, never more than there are distinct points; density finds k, one entry."""
    points = _points(job.vectors)
    distinct = len(np.unique(points, axis=0))
    k_max = max(1, min(job.k_max, distinct))
    if job.method == "density":
        labels = [_dense(points, distinct)]
    else:
        labels = [_labels(points, k, job) for k in range(1, k_max + 1)]
    parts = [_measured(points, one) for one in labels]
    inertia, silhouette, distances = zip(*parts, strict=True)
    found = [one.tolist() for one in labels]
    send(Clustering(inertia=list(inertia), silhouette=list(silhouette), labels=found, distances=list(distances)))
    return {"points": len(points), "distinct": distinct, "k_max": k_max}


def _points(vectors: list[list[float]]) -> np.ndarray:
    try:
        points = np.asarray(vectors, dtype=np.float64)
    except ValueError:
        points = np.empty(0)
    if points.ndim != 2 or points.size == 0 or not np.isfinite(points).all():
        raise JobError("data", "These vectors cannot be clustered.", "They must be finite, equally long and at least one.")
    return points


def _labels(points: np.ndarray, k: int, job: Cluster) -> np.ndarray:
    if k == 1:
        return np.zeros(len(points), dtype=int)  # without loading scikit-learn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer clusters than asked for is expected of nearly equal points
        if job.method == "linkage":
            from sklearn.cluster import AgglomerativeClustering

            return AgglomerativeClustering(n_clusters=k, linkage="average").fit(points).labels_
        from sklearn.cluster import KMeans

        return KMeans(n_clusters=k, n_init=job.n_init, random_state=job.seed).fit(points).labels_


def _dense(points: np.ndarray, distinct: int) -> np.ndarray:
    """HDBSCAN's clusters; what it calls noise goes to the nearest centre, for a failure must be in some pattern."""
    everything = np.zeros(len(points), dtype=int)
    if distinct < 2 or len(points) < 2 * FEWEST_IN_CLUSTER:
        return everything
    from sklearn.cluster import HDBSCAN

    labels = HDBSCAN(min_cluster_size=FEWEST_IN_CLUSTER, min_samples=1, copy=True).fit(points).labels_
    known = sorted(set(labels.tolist()) - {-1})
    if not known:
        return everything
    centres = np.array([points[labels == one].mean(axis=0) for one in known])
    for at in np.flatnonzero(labels == -1):
        labels[at] = known[int(((centres - points[at]) ** 2).sum(axis=1).argmin())]
    return labels


def _measured(points: np.ndarray, labels: np.ndarray) -> tuple[float, float, list[float]]:
    """Inertia, silhouette (0 where it is not defined), and distance of every point to its cluster's mean."""
    distance = np.empty(len(points))
    for one in np.unique(labels):
        inside = labels == one
        distance[inside] = np.linalg.norm(points[inside] - points[inside].mean(axis=0), axis=1)
    silhouette = 0.0
    if 1 < len(np.unique(labels)) < len(points):
        from sklearn.metrics import silhouette_score

        silhouette = float(silhouette_score(points, labels))
    return float((distance**2).sum()), silhouette, distance.tolist()
