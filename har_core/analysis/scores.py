"""Confusion matrix → accuracy, F1, scores of each class, with 95 % intervals.

Everything is computed from the (K, K) matrix of counts, rows true and columns predicted, so that it also works for a
published matrix without photos, and costs the same for a million photos as for a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn import metrics

from har_core.runs.manifest import Scores
from har_core.runs.predictions import Predictions


@dataclass(frozen=True)
class Summary:
    """The overall scores.  All but the counts `n` and `correct` in [0, 1], higher is better; `interval`: of `accuracy`."""

    n: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    weighted_f1: float


def summarize(matrix: np.ndarray) -> Summary:
    """Accuracy with its 95 % interval (see `wilson_interval`), and the means of the F1 scores over classes.

    The macro mean is over the classes that occur, as label or as prediction, as in scikit-learn.

    Args:
        matrix: (K, K) counts.

    Raises:
        ValueError: if the matrix has no photos.
    """
    n, correct = int(matrix.sum()), int(np.trace(matrix))
    if n == 0:
        raise ValueError("expected a confusion matrix of at least one photo, found none")
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = 2 * np.diag(matrix) / np.maximum(support + predicted, 1)
    occurs = support + predicted > 0
    interval = wilson_interval(correct, n)
    return Summary(n, correct, correct / n, interval, float(f1[occurs].mean()), float(f1 @ support / n))


def scores_of(predictions: Predictions) -> Scores:
    """What a run's manifest says of its predictions.

    Raises:
        ValueError: if there are none.
    """
    found = summarize(predictions.confusion_matrix())
    return Scores(accuracy=found.accuracy, accuracy_interval=found.interval, macro_f1=found.macro_f1, n=found.n)


def class_scores(matrix: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row per class: `class`, `precision`, `recall`, `f1` in [0, 1] with `_low` and `_high` (95 %), and `support`.

    Also the class it is most often `predicted_as` by mistake and how many `times` ("–" and 0 if it never is).

    Precision and recall are shares of photos and have Wilson's interval.  F1 is a rising function of the Jaccard index
    J = TP / (TP + FP + FN), F1 = 2J / (1 + J), so its interval is that of J, transformed.  A share of no photos is 0,
    as in scikit-learn, with an interval from 0 to 1.  The scores of a class that occurs neither as label nor as
    prediction are undefined: NaN, as are their intervals, which sorts them last.

    Args:
        matrix: (K, K) counts.
    """
    true, predicted, correct = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    table = pd.DataFrame({"class": classes})
    for name, total in (("precision", predicted), ("recall", true), ("f1", true + predicted - correct)):
        found = correct / np.maximum(total, 1), *wilson_intervals(correct, total)
        for column, values in zip((name, name + "_low", name + "_high"), found, strict=True):
            table[column] = 2 * values / (1 + values) if name == "f1" else values
    table.loc[true + predicted == 0, table.columns[1:]] = np.nan
    errors = matrix - np.diag(correct)
    names = np.array([*classes, "–"], dtype=object)
    table["support"] = true
    table["predicted_as"] = names[np.where(errors.any(axis=1), errors.argmax(axis=1), -1)]
    table["times"] = errors.max(axis=1)
    return table


def classification_report(matrix: np.ndarray, classes: tuple[str, ...]) -> tuple[str, pd.DataFrame]:
    """scikit-learn's report on the classes that occur in a (K, K) matrix: the familiar text, and the same as a table."""
    true, predicted = (np.repeat(index.ravel(), matrix.ravel()) for index in np.indices(matrix.shape))
    occur = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    options = {"labels": occur, "zero_division": 0}
    names = [classes[index] for index in occur]
    text = metrics.classification_report(true, predicted, digits=4, target_names=names, **options)
    table = metrics.classification_report(true, predicted, output_dict=True, **options)
    accuracy = table.pop("accuracy", None)
    frame = pd.DataFrame(table).T
    if accuracy is not None:
        frame.loc["accuracy"] = [accuracy, accuracy, accuracy, int(matrix.sum())]
    frame.insert(0, "class", [*names, *frame.index[len(names) :]])  # not as keys: a class may be called accuracy
    return text, frame.reset_index(drop=True)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (Wilson 1927), in [0, 1]; from 0 to 1 if there are no trials."""
    low, high = wilson_intervals(np.array([successes]), np.array([trials]))
    return float(low[0]), float(high[0])


def wilson_intervals(successes: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`wilson_interval` for many shares at once: (M,) lower and (M,) upper bounds."""
    z, n = float(norm.ppf(0.975)), np.maximum(trials, 1)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(successes == 0, 0.0, np.maximum(center - half, 0))
    high = np.where(successes == trials, 1.0, np.minimum(center + half, 1))
    return np.where(trials > 0, low, 0.0), np.where(trials > 0, high, 1.0)
