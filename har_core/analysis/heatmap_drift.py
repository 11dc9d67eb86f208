"""Class maps of the same photos by two models → how far the evidence has moved.

A model in 8-bit arithmetic may give the same answers for other reasons: what its maps say tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

MOVED = 0.15
"""Of the map's diagonal: a peak that is farther off is counted as moved."""


@dataclass(frozen=True)
class Drift:
    """Of N photos, each (N,) float64.

    `cosine`: of the two maps, in [-1, 1], 1 is the same up to strength.  `rank_correlation`: Spearman's over positions, in [-1, 1].
    `distance`: between the two strongest positions, in diagonals of the map, 0 is the same place.  NaN where a map is the same
    everywhere, so that nothing is strongest.
    """

    cosine: np.ndarray
    rank_correlation: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class DriftSummary:
    """`count`: photos whose maps can be compared.  Medians as in `Drift`, NaN if there are none.  `low_cosine`: what 95 % of
    the photos exceed.  `moved`: the share whose strongest position is farther off than `MOVED`.
    """

    count: int
    cosine: float
    low_cosine: float
    rank_correlation: float
    distance: float
    moved: float


def heatmap_drift(first: np.ndarray, second: np.ndarray, classes: np.ndarray) -> Drift:
    """Compare two models' maps of one class for each photo.

    Args:
        first: (N, K, h, w), signed, higher is more evidence; may be memory-mapped and of half precision.
        second: the same of another model, for the same photos in the same order.
        classes: (N,) the class of each photo whose maps are compared: the one that the first model predicts.

    Raises:
        ValueError: if the shapes differ.
    """
    if first.shape != second.shape or classes.shape != first.shape[:1]:
        raise ValueError(
            f"expected two arrays of the same shape and a class for each photo, found {first.shape}, {second.shape} and "
            f"{classes.shape}"
        )
    count, (height, width) = len(first), first.shape[2:]
    found = np.full((3, count), np.nan)
    for number, own in enumerate(classes):  # one photo after the other: a million maps need not be in memory
        one, two = (np.asarray(maps[number, own], dtype=np.float64).ravel() for maps in (first, second))
        if np.ptp(one) == 0 or np.ptp(two) == 0:
            continue
        ranks = rankdata(one), rankdata(two)
        peaks = [np.array(np.unravel_index(int(values.argmax()), (height, width))) for values in (one, two)]
        away = (peaks[0] - peaks[1]) / np.array([height, width])
        found[:, number] = _cosine(one, two), _cosine(*(values - values.mean() for values in ranks)), np.hypot(*away)
    found[2] /= np.sqrt(2)
    return Drift(*found)


def summarize_drift(drift: Drift) -> DriftSummary:
    """Of any number of photos."""
    known = ~np.isnan(drift.distance)
    count = int(known.sum())
    if not count:
        return DriftSummary(0, *[np.nan] * 5)
    cosine, ranks, distance = drift.cosine[known], drift.rank_correlation[known], drift.distance[known]
    return DriftSummary(
        count=count,
        cosine=float(np.median(cosine)),
        low_cosine=float(np.quantile(cosine, 0.05)),
        rank_correlation=float(np.median(ranks)),
        distance=float(np.median(distance)),
        moved=float((distance > MOVED).mean()),
    )


def _cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / np.sqrt((one @ one) * (two @ two)))
