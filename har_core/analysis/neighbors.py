"""Embeddings → the most similar ones."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.metrics.pairwise import cosine_similarity

_EMBEDDINGS_CHUNK = 5_000  # rows at a time: 40 MB of float32 for 2,048 features


def nearest_neighbors(embeddings: np.ndarray, row: int, *, count: int = 5) -> list[tuple[int, float]]:
    """`nearest_to` of one of the embeddings among the others."""
    return nearest_to(embeddings[row], embeddings, count=count, leave_out=row)


def nearest_to(
    query: np.ndarray, embeddings: np.ndarray, *, count: int = 5, leave_out: int | None = None
) -> list[tuple[int, float]]:
    """The rows of the most similar embeddings, nearest first, with their cosine similarity in [-1, 1].

    Args:
        query: (D,).
        embeddings: (N, D), of any float type; may be memory-mapped.
        leave_out: a row that does not count.
    """
    query = np.asarray(query, dtype=np.float32)[None]
    similarities = np.empty(len(embeddings), dtype=np.float32)
    # A row that is not finite comes last; it is no reason to fail.
    with config_context(assume_finite=True), np.errstate(invalid="ignore"):
        for start in range(0, len(embeddings), _EMBEDDINGS_CHUNK):
            part = np.asarray(embeddings[start : start + _EMBEDDINGS_CHUNK], dtype=np.float32)
            similarities[start : start + len(part)] = cosine_similarity(query, part)[0]
    nearest = np.argsort(-similarities, kind="stable")
    nearest = nearest[nearest != leave_out][:count] if leave_out is not None else nearest[:count]
    return [(int(index), float(similarities[index])) for index in nearest]
