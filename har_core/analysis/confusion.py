"""Confusion matrix → its shares, the order of its classes, its most frequent confusions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from har_core.analysis.scores import wilson_intervals

Normalize = Literal["none", "true", "pred"]
"""What a cell is shown as: a count, a share of its row (recall), or a share of its column (precision)."""

ClassOrder = Literal["alphabetical", "recall", "similarity"]
TOTAL = -1
"""In place of a class index: all classes, the cell at the end of a row or column (see `with_totals`)."""


def with_totals(matrix: np.ndarray) -> np.ndarray:
    """(K + 1, K + 1): a matrix of counts with a last row and column of sums, whose index is `TOTAL`."""
    wide = np.hstack([matrix, matrix.sum(axis=1, keepdims=True)])
    return np.vstack([wide, wide.sum(axis=0, keepdims=True)])


def normalize(matrix: np.ndarray, by: Normalize) -> np.ndarray:
    """(K, K) float64: the counts, or the share of each in its row ("true") or column ("pred"); 0 where that is empty."""
    if by == "none":
        return matrix.astype(np.float64)
    total = matrix.sum(axis=1 if by == "true" else 0, keepdims=True)
    return np.asarray(matrix / np.maximum(total, 1))


def class_order(matrix: np.ndarray, by: ClassOrder) -> list[int]:
    """Class indices in the order of display.

    `recall`: the weakest first.  `similarity`: classes that are confused stand together (average linkage on one minus
    the symmetrized share of confusions, leaves in optimal order, Bar-Joseph et al. 2001).

    Args:
        matrix: (K, K) counts.
    """
    size = len(matrix)
    if by == "alphabetical" or size < 3:
        return list(range(size))
    shares = normalize(matrix, "true")
    if by == "recall":
        return [int(index) for index in np.argsort(np.diag(shares), kind="stable")]
    distance = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [int(index) for index in leaves_list(tree)]


@dataclass(frozen=True)
class ConfusedPair:
    """How many photos of one class are predicted as another.

    `share`: of the photos that could have been, in [0, 1]; `low` and `high`: its 95 % interval (Wilson).
    """

    true: int
    predicted: int
    count: int
    share: float
    low: float
    high: float


def confused_pairs(matrix: np.ndarray, *, directed: bool = True) -> list[ConfusedPair]:
    """The confusions that occur, the most frequent first; of equals, the larger share.

    Args:
        matrix: (K, K) counts.
        directed: true: the share is of the true class's photos.  False: both directions count together, as a share of
            both classes' photos; `true` and `predicted` then name the more frequent direction.
    """
    support = matrix.sum(axis=1)
    errors = matrix - np.diag(np.diag(matrix))
    if directed:
        true, predicted = np.nonzero(errors)
        count, total = errors[true, predicted], support[true]
    else:
        true, predicted = np.nonzero(np.triu(errors + errors.T))
        count, total = (errors + errors.T)[true, predicted], support[true] + support[predicted]
        reverse = errors[predicted, true] > errors[true, predicted]
        true, predicted = np.where(reverse, predicted, true), np.where(reverse, true, predicted)
    columns = (true, predicted, count, count / total, *wilson_intervals(count, total))
    found = [ConfusedPair(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return sorted(found, key=lambda pair: (-pair.count, -pair.share))
