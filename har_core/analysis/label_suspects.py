"""Labels that are probably wrong, by confident learning (Northcutt et al. 2021), as the package cleanlab computes it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.preprocessing import normalize

from har_core.runs.tables import TEST, TRAINING, Number, OneOf, Schema, Text

FOLDS = 5
NEIGHBORS = 10

_CHUNK = 2_000  # rows of a matrix of similarities at a time
_INVERSE_REGULARIZATION = 10.0


def suspects_schema(classes: tuple[str, ...]) -> Schema:
    """The table of suspects, the most suspicious first.

    `label`: as it is.  `suggested`: the likeliest other class.  `self_confidence`: out-of-sample probability of the label,
    lower is more suspicious; `suggested_probability`: that of the other class.  `neighbors_label`, `neighbors_suggested`: how
    many of the `NEIGHBORS` nearest photos have each of the two labels.
    """
    return {
        "sample": Text(),
        "split": OneOf((TEST, TRAINING)),
        "label": OneOf(classes),
        "suggested": OneOf(classes),
        "self_confidence": Number(0, 1),
        "suggested_probability": Number(0, 1),
        "neighbors_label": Number(0, NEIGHBORS, whole=True),
        "neighbors_suggested": Number(0, NEIGHBORS, whole=True),
    }


def out_of_sample_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    groups: np.ndarray | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """What linear heads say of each photo that were fitted on the other folds.

    Photos of one group (near-duplicates) are in one fold: otherwise a copy with the same wrong label would vouch for it.

    Args:
        features: (N, D) embeddings.
        labels: (N,) class indices.
        classes: how many there are; one that is missing in the other folds gets probability 0.
        groups: (N,) integers.
        progress: called with (folds done, folds in all).

    Returns:
        (N, classes) float32, rows sum to 1.

    Raises:
        ValueError: if there are photos of fewer than two classes, or fewer than two groups.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    present, photos = np.unique(labels, return_counts=True)
    folds = min(folds, len(np.unique(groups)), max(2, int(photos.max(initial=0))))
    if len(present) < 2 or folds < 2:
        raise ValueError("expected photos of two classes or more in two groups or more, found fewer")
    unit = normalize(np.asarray(features, dtype=np.float32))
    found = np.zeros((len(labels), classes), dtype=np.float32)
    kind = StratifiedGroupKFold if photos.max() >= folds else GroupKFold
    split = kind(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # it is still split
        parts = list(split.split(unit, labels, groups))
    for number, (fitted, held_out) in enumerate(parts, start=1):
        known = np.unique(labels[fitted])
        if len(known) < 2:
            found[held_out, known[0]] = 1
        elif len(held_out):
            head = LogisticRegression(C=_INVERSE_REGULARIZATION, max_iter=300).fit(unit[fitted], labels[fitted])
            found[np.ix_(held_out, known)] = head.predict_proba(unit[held_out])
        if progress is not None:
            progress(number, len(parts))
    return found


def find_suspects(
    samples: np.ndarray,
    splits: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    features: np.ndarray | None,
    classes: tuple[str, ...],
    *,
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """The photos whose labels are probably wrong, ranked by self-confidence.

    Args:
        samples: (N,) names.
        splits: (N,) `TEST` or `TRAINING`.
        labels: (N,) class indices.
        probabilities: (N, K) out of sample.
        features: (N, D) embeddings, for the nearest neighbors; None if there are none, which then agree with nothing.
        groups: (N,) integers: photos of one group are no neighbors of each other.

    Returns:
        A table of `suspects_schema`.
    """
    rows = _ranked(labels, probabilities)
    others = probabilities[rows].copy()
    others[np.arange(len(rows)), labels[rows]] = -1
    suggested = others.argmax(axis=1) if len(rows) else np.empty(0, dtype=np.int64)
    near = _neighbor_labels(features, labels, rows, groups) if features is not None else np.full((len(rows), 0), -1)
    names = np.array(classes, dtype=object)
    return pd.DataFrame(
        {
            "sample": np.asarray(samples, dtype=object)[rows],
            "split": np.asarray(splits, dtype=object)[rows],
            "label": names[labels[rows]],
            "suggested": names[suggested],
            "self_confidence": probabilities[rows, labels[rows]].astype(np.float64).clip(0, 1),
            "suggested_probability": probabilities[rows, suggested].astype(np.float64).clip(0, 1),
            "neighbors_label": (near == labels[rows][:, None]).sum(axis=1),
            "neighbors_suggested": (near == suggested[:, None]).sum(axis=1),
        }
    )


def _ranked(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Rows of the suspects, lowest self-confidence first."""
    from cleanlab.filter import find_label_issues

    present = np.unique(labels)
    if len(present) < 2:
        return np.empty(0, dtype=np.int64)
    # cleanlab wants classes 0, 1, … that all occur; what is left of the others' probability does not matter for a ranking
    kept = probabilities[:, present].astype(np.float64)
    total = kept.sum(axis=1, keepdims=True)
    kept = np.divide(kept, total, out=np.full_like(kept, 1 / len(present)), where=total > 0)
    found = find_label_issues(
        np.searchsorted(present, labels),
        kept,
        filter_by="prune_by_noise_rate",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return np.asarray(found, dtype=np.int64)


def _neighbor_labels(
    features: np.ndarray, labels: np.ndarray, rows: np.ndarray, groups: np.ndarray | None
) -> np.ndarray:
    """(len(rows), at most NEIGHBORS) labels of the photos of highest cosine similarity, those of the own group left out."""
    unit = normalize(np.asarray(features, dtype=np.float32))
    groups = np.arange(len(labels)) if groups is None else groups
    count = min(NEIGHBORS, len(labels) - 1)
    near = np.full((len(rows), max(count, 0)), -1, dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        similarity = unit[part] @ unit.T
        own = groups[part][:, None] == groups[None, :]
        similarity[own] = -np.inf
        order = (
            np.argpartition(-similarity, count - 1, axis=1)[:, :count] if count > 0 else np.empty((len(part), 0), int)
        )
        valid = np.take_along_axis(~own, order, axis=1)
        near[start : start + len(part)] = np.where(valid, labels[order], -1)
    return near
