"""Predictions → whether a probability of 70 % means 70 %, and what is gained by not answering when unsure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from har_core.analysis.known import EVERYTHING, Known
from har_core.analysis.scores import wilson_intervals
from har_core.runs.predictions import Predictions

BINS = 15

_ROWS = 5_000  # at a time: what a processor's cache holds


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be trusted.

    `confidence`, `accuracy`: means over all photos, in [0, 1].  `ece`: expected calibration error, `class_wise_ece`: its mean
    over classes, both in [0, 1], lower is better.  `brier`: Brier score in [0, 2], lower is better.  The last two need the
    probability of every class; None without.

    What chance alone gives if all probabilities are right: `margin`, that accuracy and confidence differ by less (95 %), and
    `chance_ece`, the mean of the calibration error.  Both are large for few photos.
    """

    confidence: float
    accuracy: float
    ece: float
    class_wise_ece: float | None
    brier: float | None
    margin: float
    chance_ece: float


def calibration(predictions: Predictions, known: Known = EVERYTHING) -> Calibration:
    """The figures of a run.

    Raises:
        ValueError: if there are no predictions, or none whose confidence is known.
    """
    if not len(predictions):
        raise ValueError("expected at least one prediction, found none")
    if not known.confidence:
        raise ValueError("expected predictions with their probability, found labels alone")
    confidence, correct = predictions.confidence.astype(np.float64), predictions.correct
    return Calibration(
        float(confidence.mean()),
        float(correct.mean()),
        expected_calibration_error(confidence, correct),
        float(class_calibration_errors(predictions).mean()) if known.every_class else None,
        brier_score(predictions) if known.every_class else None,
        float(norm.ppf(0.975) * np.sqrt((confidence * (1 - confidence)).sum()) / len(confidence)),
        _chance_ece(confidence),
    )


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, *, bins: int = BINS) -> float:
    """The mean distance of confidence and accuracy over bins of equal width, weighted by photos (Guo et al. 2017).

    Args:
        confidence: (N,) in [0, 1].
        correct: (N,) bool.
    """
    number = np.minimum((np.asarray(confidence) * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(number, weights=confidence, minlength=bins) - np.bincount(
        number, weights=correct, minlength=bins
    )
    return float(np.abs(gaps).sum() / len(number))


def _chance_ece(confidence: np.ndarray, *, bins: int = BINS) -> float:
    """The mean calibration error of answers that are right as often as they say: of |normal| variables, one a bin."""
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    variances = np.bincount(number, weights=confidence * (1 - confidence), minlength=bins)
    return float(np.sqrt(2 / np.pi * variances).sum() / len(confidence))


def class_calibration_errors(predictions: Predictions, *, bins: int = BINS) -> np.ndarray:
    """(K,) the calibration error of every class's own probability: over all photos, also those of other classes.

    Their mean is the class-wise calibration error of Kull et al. (2019).
    """
    size = len(predictions.classes)
    slots = bins + 1  # the last for a probability of 1, which belongs to the bin before
    gaps = np.zeros(size * slots)
    offset = np.arange(size) * slots
    for start in range(0, len(predictions), _ROWS):  # a million photos of 100 classes need no second copy
        rows = predictions.probabilities[start : start + _ROWS]
        number = (rows * np.float32(bins)).astype(np.int64)
        number += offset
        gaps += np.bincount(number.ravel(), weights=rows.ravel(), minlength=size * slots)
        true = predictions.true[start : start + _ROWS]
        gaps -= np.bincount(number[np.arange(len(rows)), true], minlength=size * slots)
    by_class = gaps.reshape(size, slots)
    by_class[:, bins - 1] += by_class[:, bins]
    return np.asarray(np.abs(by_class[:, :bins]).sum(axis=1) / max(1, len(predictions)))


def brier_score(predictions: Predictions) -> float:
    """The mean squared distance of the probabilities from the truth, summed over classes (Brier 1950), in [0, 2]."""
    probabilities = predictions.probabilities
    squares = np.einsum("nk,nk->n", probabilities, probabilities, dtype=np.float64)
    of_true = probabilities[np.arange(len(predictions)), predictions.true].astype(np.float64)
    return float((squares - 2 * of_true + 1).mean())


def reliability(predictions: Predictions, *, bins: int = BINS) -> pd.DataFrame:
    """The reliability diagram: one row for each of `bins` groups of about equally many photos, the least sure first.

    Columns: `confidence` (mean), `accuracy` with `low` and `high` (95 %, Wilson), in [0, 1], and `photos`.  Where many photos
    have the same confidence there are fewer rows: they stay together.
    """
    confidence, correct = predictions.confidence.astype(np.float64), predictions.correct
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])) if len(confidence) else np.empty(0)
    number = np.searchsorted(edges, confidence, side="left")
    photos = np.bincount(number, minlength=1)
    filled = photos > 0
    right = np.bincount(number, weights=correct, minlength=1)[filled].astype(np.int64)
    sums, photos = np.bincount(number, weights=confidence, minlength=1)[filled], photos[filled]
    low, high = wilson_intervals(right, photos)
    columns = {"confidence": sums / photos, "accuracy": right / photos, "low": low, "high": high, "photos": photos}
    return pd.DataFrame(columns)


def coverage_curve(predictions: Predictions, *, points: int = 100) -> pd.DataFrame:
    """What is gained by answering only where the confidence reaches a threshold.

    Columns: `threshold`, `coverage` (share of photos that are answered) and `accuracy` (of these), in [0, 1]; from the
    surest photos to all, at most `points` rows, of which the last answers every photo.
    """
    order = np.argsort(-predictions.confidence, kind="stable")
    confidence, correct = predictions.confidence[order].astype(np.float64), predictions.correct[order]
    count = len(order)
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True)) if count else np.empty(0, dtype=np.int64)
    if len(ends) > points:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, points).astype(np.int64))]
    right = np.cumsum(correct)[ends] if count else np.empty(0)
    columns = {"threshold": confidence[ends], "coverage": (ends + 1) / max(1, count), "accuracy": right / (ends + 1)}
    return pd.DataFrame(columns)


def answered(predictions: Predictions, threshold: float) -> tuple[int, int]:
    """How many photos have a confidence of at least `threshold`, and how many of these are correct."""
    sure = predictions.confidence >= threshold
    return int(sure.sum()), int((sure & predictions.correct).sum())


def area_under_coverage(predictions: Predictions) -> float:
    """The mean accuracy over all coverages, in [0, 1], higher is better: one minus AURC (Geifman and El-Yaniv 2017)."""
    order = np.argsort(-predictions.confidence, kind="stable")
    right = np.cumsum(predictions.correct[order])
    return float((right / np.arange(1, len(order) + 1)).mean())
