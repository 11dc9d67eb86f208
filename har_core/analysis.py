"""Predictions table → metrics.  Pure functions; no torch, no Streamlit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from har_core.predictions import Predictions


def scores(predictions: Predictions) -> dict[str, float | int | list[float]]:
    """The figures by which a run is known.

    Returns:
        `accuracy` and `macro_f1` in [0, 1], `accuracy_interval` (95 %, see `interval`), and `n`, the number of photos.
    """
    right = int((predictions.true == predictions.predicted).sum())
    return {
        "accuracy": float(accuracy_score(predictions.true, predictions.predicted)),
        "accuracy_interval": list(interval(right, len(predictions))),
        "macro_f1": float(
            f1_score(
                predictions.true,
                predictions.predicted,
                labels=range(len(predictions.classes)),
                average="macro",
                zero_division=0,
            )
        ),
        "n": len(predictions),
    }


def per_class(predictions: Predictions) -> pd.DataFrame:
    """One row a class: `class`, `recall` in [0, 1] (0 without photos), `support` (its photos), and the class it is
    most often `taken_for` with how many `times` ("–" and 0 if it never is).
    """
    counts = confusion(predictions)
    support = counts.sum(axis=1)
    mistakes = counts - np.diag(np.diag(counts))
    names = np.array([*predictions.classes, "–"], dtype=object)
    return pd.DataFrame(
        {
            "class": names[:-1],
            "recall": np.diag(counts) / support.clip(min=1),
            "support": support,
            "taken_for": names[np.where(mistakes.any(axis=1), mistakes.argmax(axis=1), -1)],
            "times": mistakes.max(axis=1),
        }
    )


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int64 counts; rows are true classes, columns predicted ones."""
    return np.asarray(confusion_matrix(predictions.true, predictions.predicted, labels=range(len(predictions.classes))))


def interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (Wilson 1927), in [0, 1].

    Raises:
        ValueError: if there are no trials.
    """
    found = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return float(found.low), float(found.high)
