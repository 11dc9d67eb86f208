"""Two runs on the same photos → which photos changed, and whether the difference is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest


@dataclass(frozen=True)
class McNemar:
    """How many photos only the first of two runs predicts correctly (`broken`), and only the second (`fixed`).

    `p`: exact two-sided probability of so uneven a split, or a more uneven one, if both were equally good (McNemar 1947).
    """

    broken: int
    fixed: int
    p: float


def mcnemar(first_correct: np.ndarray, second_correct: np.ndarray) -> McNemar:
    """Compare two runs by the photos on which they differ; (N,) bool each, in the same order."""
    broken = int((first_correct & ~second_correct).sum())
    fixed = int((~first_correct & second_correct).sum())
    p = float(binomtest(min(broken, fixed), broken + fixed).pvalue) if broken + fixed else 1.0
    return McNemar(broken, fixed, p)


def paired_examples(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The photos that are in two example tables with the same true class: one row each, in the order of the first.

    Columns `sample` and `true`; all others of `examples.example_table` twice, with `_before` and `_after`.

    Args:
        before: of one run.
        after: of another with the same classes.
    """
    both = before.merge(after, on="sample", suffixes=("_before", "_after"))
    same = both[both["true_before"] == both["true_after"]]
    return same.drop(columns="true_after").rename(columns={"true_before": "true"}).reset_index(drop=True)
