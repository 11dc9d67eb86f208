"""Counts of answers by their confidence → what `analysis.calibration` tells of predictions, however many there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from har_core.analysis.calibration import BINS, Calibration
from har_core.analysis.scores import wilson_intervals


def binned_calibration(bins: pd.DataFrame, *, of: int) -> Calibration:
    """The figures that need only the confidence of answers.  The error's bins are those of `calibration`, if `of` is a multiple of theirs.

    Args:
        bins: a row for each bin that holds answers, in order: `bin` from 0, how many `photos`, how many of these `correct`, and over
            its photos the sums of their `confidence` c and of `variance` c (1 - c).
        of: bins of equal width in all.

    Raises:
        ValueError: if there are no photos.
    """
    count = int(bins["photos"].sum())
    if not count:
        raise ValueError("expected at least one prediction, found none")
    wide = bins["bin"].to_numpy() * BINS // of
    sums, correct, variance = (
        np.bincount(wide, weights=bins[name].to_numpy(np.float64), minlength=BINS)
        for name in ("confidence", "correct", "variance")
    )
    return Calibration(
        float(sums.sum() / count),
        float(correct.sum() / count),
        float(np.abs(sums - correct).sum() / count),
        None,
        None,
        float(norm.ppf(0.975) * np.sqrt(variance.sum()) / count),
        float(np.sqrt(2 / np.pi * variance).sum() / count),
    )


def binned_reliability(bins: pd.DataFrame) -> pd.DataFrame:
    """As `calibration.reliability`: groups of about equally many photos; what shares a bin stays together."""
    photos = bins["photos"].to_numpy()
    middle = (np.cumsum(photos) - photos / 2) / max(1, int(photos.sum()))
    groups = bins.groupby((middle * BINS).astype(np.int64), sort=True)[["photos", "correct", "confidence"]].sum()
    low, high = wilson_intervals(groups["correct"].to_numpy(), groups["photos"].to_numpy())
    return pd.DataFrame(
        {
            "confidence": groups["confidence"] / groups["photos"],
            "accuracy": groups["correct"] / groups["photos"],
            "low": low,
            "high": high,
            "photos": groups["photos"],
        }
    ).reset_index(drop=True)


def binned_coverage(bins: pd.DataFrame, *, of: int) -> pd.DataFrame:
    """As `calibration.coverage_curve`, with a row for each bin."""
    surest = bins.iloc[::-1]
    answered, correct = surest["photos"].cumsum().to_numpy(), surest["correct"].cumsum().to_numpy()
    return pd.DataFrame(
        {
            "threshold": surest["bin"].to_numpy() / of,
            "coverage": answered / max(1, int(bins["photos"].sum())),
            "accuracy": correct / answered,
        }
    )
