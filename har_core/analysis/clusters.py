"""Embeddings → clusters of photos that look alike to the model, and what most photos of each show."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from har_core.runs.training_embeddings import unit_rows

CLUSTERS = 20

_FITTED, _CHUNK = 20_000, 5_000  # embeddings: what clusters are found in, and how many are assigned at a time
_CLUSTER_SIZE = 10  # photos, at least, on average


def embedding_clusters(embeddings: np.ndarray, k: int = CLUSTERS, seed: int = 0) -> np.ndarray:
    """(N,) int64 from 0, the largest cluster first: k-means on embeddings of length 1, so that direction alone counts.

    At most `k` clusters, of ten photos on average or more.  Of more than 20,000 photos, the clusters are found in as many
    drawn at random; the others join the nearest.

    Args:
        embeddings: (N, D), of any float type; may be memory-mapped, and is read in parts.
    """
    count = len(embeddings)
    k = max(1, min(k, count // _CLUSTER_SIZE))
    if k == 1:
        return np.zeros(count, dtype=np.int64)
    drawn = np.sort(np.random.default_rng(seed).permutation(count)[:_FITTED])
    model = MiniBatchKMeans(k, random_state=seed, n_init=3, batch_size=2048)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # there may be fewer different photos than clusters
        model.fit(unit_rows(embeddings[drawn]))
    parts = [model.predict(unit_rows(embeddings[start : start + _CHUNK])) for start in range(0, count, _CHUNK)]
    found = np.concatenate(parts)
    order = np.argsort(-np.bincount(found, minlength=k), kind="stable")
    rank = np.empty(k, dtype=np.int64)
    rank[order] = np.arange(k)
    return np.asarray(rank[found])


def cluster_names(clusters: np.ndarray, true: np.ndarray, classes: Sequence[str]) -> list[str]:
    """What most photos of each cluster show: the most frequent true class, and the next if it has a quarter or more."""
    names = []
    for index in range(int(clusters.max(initial=-1)) + 1):
        counts = np.bincount(true[clusters == index], minlength=len(classes))
        first, second = [*np.argsort(-counts, kind="stable")[:2], -1][:2]
        both = second >= 0 and counts[second] * 4 >= counts.sum() > 0
        names.append(classes[first] + (f" and {classes[second]}" if both else "") if counts.any() else "")
    return names
