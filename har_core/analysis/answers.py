"""Predictions → when an answer names one class, when two, and when it is "unsure", and what that buys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from har_core.analysis.conformal import drawn, fewest, lac_threshold, with_likeliest
from har_core.analysis.scores import wilson_intervals
from har_core.runs.predictions import Predictions

STEP = 0.05
"""Of thresholds for "unsure"."""

_SAMPLE, _EXACT = 100_000, 1e-6  # 32-bit probabilities that add up to 0.6 reach it


@dataclass(frozen=True)
class AnswerRule:
    """When an answer names one action or two, and what that buys on the scored photos.

    `stated`: share of photos whose set contains the true class.  `lowest`: the probability from which on a class is in a
    photo's set (see `named`), infinite if there are too few photos to tell.  `threshold`: of `unsure_threshold`.
    `outcomes`: of `outcomes`.
    """

    stated: float
    lowest: float
    threshold: float | None
    outcomes: pd.DataFrame


def unsure_threshold(predictions: Predictions, *, accuracy: float = 0.9) -> float | None:
    """The lowest multiple of 0.05 from which on the likeliest action is correct for so large a share of photos.

    The lower bound of the share's 95 % interval (Wilson) must reach `accuracy`: among few photos, a high share may be
    luck.  None where no threshold does.  Of more than 100,000 photos as many are drawn at random.
    """
    probabilities, true = drawn(predictions, _SAMPLE, 0)
    likeliest, thresholds = probabilities.argmax(axis=1), _steps()
    number = _number(probabilities[np.arange(len(true)), likeliest], thresholds)
    photos = np.bincount(number, minlength=len(thresholds))[::-1].cumsum()[::-1]
    right = np.bincount(number[likeliest == true], minlength=len(thresholds))[::-1].cumsum()[::-1]
    good = np.flatnonzero((wilson_intervals(right, photos)[0] >= accuracy) & (photos > 0))
    return float(thresholds[good[0]]) if len(good) else None


def named(probabilities: np.ndarray, lowest: float, threshold: float) -> np.ndarray:
    """(N, K) bool: the one or two classes that an answer names; none of them where it is "unsure".

    A photo's set holds its classes of probability `lowest` or more, and always the likeliest.  They are named if they are
    one, or two of more, and together at least `threshold` probable.

    Args:
        probabilities: (N, K).
        lowest: of LAC; infinite for the likeliest class alone.
    """
    sets = with_likeliest(probabilities >= lowest, probabilities)
    size = sets.sum(axis=1)
    together = np.where(sets, probabilities, 0).sum(axis=1, dtype=np.float64)
    few = (size == 1) | ((size == 2) & (probabilities.shape[1] > 2))
    return np.asarray(sets & (few & (together >= threshold - _EXACT))[:, None])


def named_in_order(probabilities: np.ndarray, lowest: float, threshold: float) -> list[tuple[int, ...]]:
    """The classes that `named` names for each of (N, K) rows, the likeliest first; empty where it is "unsure"."""
    claimed = named(probabilities, lowest, threshold)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [tuple(int(index) for index in row if own[index]) for row, own in zip(order, claimed, strict=True)]


def outcomes(predictions: Predictions, lowest: float) -> pd.DataFrame:
    """What `named` names for each threshold: one row for each multiple of 0.05 from 0 to 1.

    Columns: `threshold`; `one` and `two`, the shares of photos for which so many are named; `one_right` and `two_right`,
    for how many of these the true class is among them (NaN for none).  All in [0, 1].  Of more than 100,000 photos as many
    are drawn at random.
    """
    probabilities, true = drawn(predictions, _SAMPLE, 0)
    sets, thresholds = named(probabilities, lowest, 0.0), _steps()
    size, hit = sets.sum(axis=1), sets[np.arange(len(true)), true]
    number = _number(np.where(sets, probabilities, 0).sum(axis=1, dtype=np.float64), thresholds)
    counts = np.zeros((2, 2, len(thresholds)), dtype=np.int64)
    for many in (1, 2):
        for right in (0, 1):
            counts[many - 1, right] = np.bincount(number[(size == many) & (hit >= right)], minlength=len(thresholds))
    counts = counts[..., ::-1].cumsum(axis=-1)[..., ::-1]
    table = pd.DataFrame({"threshold": thresholds})
    for name, (all_of_them, correct) in zip(("one", "two"), counts, strict=True):
        table[name] = all_of_them / max(1, len(true))
        missing = np.full(len(thresholds), np.nan)
        table[name + "_right"] = np.divide(correct, all_of_them, out=missing, where=all_of_them > 0)
    return table


def answer_rule(predictions: Predictions, *, alpha: float = 0.1) -> AnswerRule:
    """How a model answers whose predictions these are: with sets of LAC, if there are enough photos for them."""
    enough = len(predictions) >= fewest(alpha)
    lowest = lac_threshold(predictions.probabilities, predictions.true, alpha) if enough else np.inf
    return AnswerRule(1 - alpha, lowest, unsure_threshold(predictions), outcomes(predictions, lowest))


def _steps() -> np.ndarray:
    return np.round(np.arange(round(1 / STEP) + 1) * STEP, 9)


def _number(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(N,) the index of the highest threshold that each of (N,) probabilities reaches."""
    return np.searchsorted(thresholds, probabilities.astype(np.float64) + _EXACT, side="right") - 1
