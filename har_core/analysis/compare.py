"""Two runs on the same photos → which photos changed, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from har_core.analysis.scores import Summary, summarize


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
    """The photos that are in two example tables: one row each, in the order of the first.

    Columns `sample`, `true`, the true class as the second table has it, and `true_before`, as the first has it; all others
    of `examples.example_table` twice, with `_before` and `_after`, each under the labels of its own table.

    Args:
        before: of one run.
        after: of another with the same classes, whose photos may be labeled otherwise.
    """
    both = before.merge(after, on="sample", suffixes=("_before", "_after"))
    return both.rename(columns={"true_after": "true"})


def relabeled(both: pd.DataFrame) -> np.ndarray:
    """(N,) bool: the photos of `paired_examples` that the two runs label otherwise."""
    return np.asarray((both["true_before"] != both["true"]).to_numpy())


def paired_matrices(both: pd.DataFrame, *, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, K) counts, rows true, of the first and of the second run: both under the labels of the second."""
    true = both["true"].to_numpy()
    before, after = (_matrix(true, both[f"predicted_{run}"].to_numpy(), classes) for run in ("before", "after"))
    return before, after


def under_both_labels(both: pd.DataFrame, *, classes: int) -> dict[tuple[str, str], Summary]:
    """Scores of either run under the labels of either.

    Args:
        both: `paired_examples`, of one photo or more.

    Returns:
        (run, whose labels) → its scores; each is "before", the first run, or "after", the second.
    """
    labels = {"before": both["true_before"].to_numpy(), "after": both["true"].to_numpy()}
    return {
        (run, whose): summarize(_matrix(true, both[f"predicted_{run}"].to_numpy(), classes))
        for run in ("before", "after")
        for whose, true in labels.items()
    }


def turned(both: pd.DataFrame, judged: Collection[str]) -> pd.DataFrame:
    """The judged photos that one of two runs predicts correctly and the other does not, each under its own labels.

    Columns: those of `paired_examples`, and `now_correct`, whether it is the second run that does; `by`: what differs, "label",
    "prediction" or "both".  In the order of `both`.
    """
    correct = both["true_before"] == both["predicted_before"], both["true"] == both["predicted_after"]
    rows = both[(correct[0] != correct[1]) & both["sample"].isin(list(judged))]
    label, prediction = rows["true_before"] != rows["true"], rows["predicted_before"] != rows["predicted_after"]
    by = np.where(label & prediction, "both", np.where(label, "label", "prediction"))
    return rows.assign(now_correct=correct[1][rows.index], by=by.astype(object))


def _matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    cells = np.bincount(true.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return np.asarray(cells.reshape(classes, classes))
