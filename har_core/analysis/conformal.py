"""Predictions → sets of classes that contain the true one as often as stated.

Split conformal prediction: a threshold is read off photos whose true class is known, and holds for photos that are
exchangeable with them, however wrong the probabilities are.  The coverage is that of all photos together; only
"LAC per class" states it for the photos of each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from har_core.runs.predictions import Predictions

Method = Literal["LAC", "RAPS", "LAC per class"]
METHODS: tuple[Method, ...] = ("LAC", "RAPS", "LAC per class")
ALPHAS = (0.2, 0.1, 0.05)
"""Shares of photos whose set may miss the true class."""

PENALTY, FREE_RANKS = 0.05, 2
"""Of RAPS, λ and k_reg: constants, so that no photos are spent on choosing them."""

_REPEATS, _SAMPLE, _FEW = 20, 20_000, 10


@dataclass(frozen=True)
class Reached:
    """What sets of a stated coverage contain, on photos that did not calibrate them.

    `stated`: 1 - alpha.  `coverage`: share of photos whose set contains the true class.  `size`: mean number of classes in
    a set, in [1, K], lower is better.  `singles`: share of sets of one class.  `class_coverage`: (K,) the coverage of
    each class's photos, NaN for a class without any.  `worst`: the class that is covered least, of those with at least
    10 photos if there are any.  Shares are in [0, 1].
    """

    method: Method
    stated: float
    coverage: float
    size: float
    singles: float
    class_coverage: np.ndarray
    worst: int


def fewest(alpha: float) -> int:
    """How many photos calibrate at least: with fewer, only the set of all classes has the stated coverage.

    Raises:
        ValueError: if alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"expected alpha between 0 and 1, found {alpha}")
    return ceil(round(1 / alpha - 1, 9))


def lac_threshold(probabilities: np.ndarray, true: np.ndarray, alpha: float) -> float:
    """The probability from which on a class is in a photo's set (least ambiguous sets: Sadinle et al. 2019), in [0, 1].

    It is the ceil((n + 1)(1 - alpha))-th highest probability of a true class; 0, so that every class is in every set, for
    fewer than `fewest(alpha)` photos.

    Args:
        probabilities: (N, K) of the photos that calibrate.
        true: (N,) their class indices.
    """
    return max(0.0, _threshold(_of_true(probabilities, true), alpha))


def raps_scores(
    probabilities: np.ndarray,
    *,
    penalty: float = PENALTY,
    free_ranks: int = FREE_RANKS,
    own: float | np.ndarray = 0.0,
) -> np.ndarray:
    """(N, K) float64 scores of regularized adaptive sets (Angelopoulos et al. 2021); lower is more plausible.

    The probability of all classes that are likelier, plus `own` times the class's own, plus `penalty` for each rank past
    `free_ranks`.  Of equally probable classes the first is the likelier one.

    Args:
        own: 0, the default, is deterministic, and the likeliest class scores 0: it is in every set.  The paper draws it
            for each photo, (N,), uniformly from [0, 1]; 1 is its deterministic form, whose sets are larger.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1).astype(np.float64)
    share = np.reshape(np.asarray(own, dtype=np.float64), (-1, 1))
    beyond = penalty * np.maximum(0, np.arange(1, ranked.shape[1] + 1) - free_ranks)
    before = np.zeros_like(ranked)
    np.cumsum(ranked[:, :-1], axis=1, out=before[:, 1:])
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, before + share * ranked + beyond, axis=1)
    return scores


def set_thresholds(of_true: np.ndarray, true: np.ndarray, size: int, alpha: float, method: Method) -> np.ndarray:
    """(K,) the conformity from which on a class is in a photo's set; minus infinity where too few photos calibrate.

    The conformity of a class is its probability, of RAPS minus its `raps_scores`.  "LAC per class" has a threshold for each class,
    from its own photos: the coverage then holds for the photos of each class ("Mondrian" sets: Vovk et al. 2005).

    Args:
        of_true: (n,) conformity of the true classes of the photos that calibrate.
        true: (n,) their class indices.
        size: K.
    """
    if method == "LAC per class":
        own = [_threshold(of_true[true == index], alpha) for index in range(size)]
        return np.array(own, dtype=of_true.dtype)
    return np.full(size, _threshold(of_true, alpha), dtype=of_true.dtype)


def prediction_sets(
    probabilities: np.ndarray, calibrating: Predictions, alpha: float, *, method: Method = "LAC", empty: bool = False
) -> np.ndarray:
    """(N, K) bool: which classes are in each photo's set.

    Args:
        probabilities: (N, K) of any photos.
        calibrating: photos with known classes, exchangeable with them.
        empty: whether a set may be empty: LAC leaves those of photos whose likeliest class is below the threshold empty.
            Else these hold the likeliest class, which can only raise the coverage.
    """
    known, true = _conformity(calibrating.probabilities, method), calibrating.true
    thresholds = set_thresholds(_of_true(known, true), true, known.shape[1], alpha, method)
    sets = _conformity(probabilities, method) >= thresholds
    return np.asarray(sets if empty else with_likeliest(sets, probabilities))


def reached(predictions: Predictions, alpha: float, method: Method = "LAC", *, seed: int = 0) -> Reached:
    """The mean over 20 random halves of the photos, of which one calibrates sets (never empty) for the other.

    Of more than 20,000 photos as many are drawn.

    Raises:
        ValueError: if there are no predictions.
    """
    return reached_all(predictions, alphas=(alpha,), methods=(method,), seed=seed)[0]


def reached_all(
    predictions: Predictions,
    *,
    alphas: Sequence[float] = ALPHAS,
    methods: Sequence[Method] = METHODS,
    seed: int = 0,
) -> list[Reached]:
    """`reached` for every method and alpha, in their order, all on the same halves."""
    if not len(predictions):
        raise ValueError("expected at least one prediction, found none")
    probabilities, true = drawn(predictions, _SAMPLE, seed)
    right = probabilities.argmax(axis=1) == true
    found = []
    for method in methods:
        conformity = _conformity(probabilities, method)
        conformity = np.ascontiguousarray(conformity.T)  # rows of photos are compared and added faster
        found += [_reached(conformity, true, right, alpha, method, seed) for alpha in alphas]
    return found


def _reached(
    conformity: np.ndarray, true: np.ndarray, right: np.ndarray, alpha: float, method: Method, seed: int
) -> Reached:
    """Args: conformity: (K, N), higher is more plausible; right: (N,) whether the likeliest class is the true one."""
    size, count = conformity.shape
    of_true, random = conformity[true, np.arange(count)], np.random.default_rng(seed)
    sums, hits, photos = np.zeros(2), np.zeros(size), np.zeros(size)
    for _ in range(_REPEATS):
        order = random.permutation(count)
        known, asked = order[: count // 2], order[count // 2 :]
        thresholds = set_thresholds(of_true[known], true[known], size, alpha, method)
        sizes = (conformity >= thresholds[:, None]).sum(axis=0, dtype=np.int32)[asked]
        covered = (of_true >= thresholds[true])[asked] | ((sizes == 0) & right[asked])
        sizes = np.maximum(1, sizes)
        sums += sizes.sum(), (sizes == 1).sum()
        hits += np.bincount(true[asked], weights=covered, minlength=size)
        photos += np.bincount(true[asked], minlength=size)
    coverage = np.divide(hits, photos, out=np.full(size, np.nan), where=photos > 0)
    many = np.bincount(true, minlength=size) >= _FEW
    eligible = np.where(many, coverage, np.nan) if np.isfinite(coverage[many]).any() else coverage
    total = photos.sum()
    means = float(hits.sum() / total), float(sums[0] / total), float(sums[1] / total)
    return Reached(method, 1 - alpha, *means, coverage, int(np.nanargmin(eligible)))


def drawn(predictions: Predictions, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(M, K) probabilities and (M,) true classes of all photos, or of `most` drawn at random where there are more."""
    if len(predictions) <= most:
        return predictions.probabilities, predictions.true
    rows = np.sort(np.random.default_rng(seed).choice(len(predictions), most, replace=False))
    return predictions.probabilities[rows], predictions.true[rows]


def _conformity(probabilities: np.ndarray, method: Method) -> np.ndarray:
    """(N, K) of each class with each photo; higher is more plausible."""
    return -raps_scores(probabilities) if method == "RAPS" else probabilities


def _threshold(conformity: np.ndarray, alpha: float) -> float:
    """The ceil((n + 1)(1 - alpha))-th highest of (n,) values; minus infinity where there are not so many."""
    count = len(conformity)
    if count < fewest(alpha):
        return -np.inf
    rank = ceil(round((count + 1) * (1 - alpha), 9))  # 9.000000000000002 is 9
    return float(np.partition(conformity, count - rank)[count - rank])


def _of_true(values: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.asarray(values[np.arange(len(values)), true])


def with_likeliest(sets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The same (N, K) sets, of which those that are empty now hold the likeliest class."""
    filled = sets.copy()
    filled[np.arange(len(sets)), probabilities.argmax(axis=1)] |= ~sets.any(axis=1)
    return filled
