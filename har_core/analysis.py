"""Confusion matrix → metrics, ranked confusions, comparisons.  Pure functions; no torch, no Streamlit.

Nearly everything is computed from the (K, K) matrix of counts, rows true and columns predicted, so that it also works
for a published matrix without photos, and costs the same for a million photos as for a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.stats import binomtest, norm
from sklearn.metrics import classification_report

from har_core.predictions import Predictions

Unit = Literal["count", "recall", "precision"]
Order = Literal["alphabetical", "recall", "similarity"]
UNITS: tuple[Unit, ...] = get_args(Unit)
ORDERS: tuple[Order, ...] = get_args(Order)
TOTAL = -1
"""Stands for all classes, in place of a class index: the cell at the end of a row or column (see `with_totals`)."""


@dataclass(frozen=True)
class Summary:
    """The figures by which a run is known.  All but `n` and `right` in [0, 1]; `interval` is that of `accuracy`."""

    n: int
    right: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    weighted_f1: float


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int64 counts; rows are true classes, columns predicted ones."""
    size = len(predictions.classes)
    cells = np.bincount(predictions.true * size + predictions.predicted, minlength=size * size)
    return np.asarray(cells.reshape(size, size), dtype=np.int64)


def with_totals(counts: np.ndarray) -> np.ndarray:
    """(K + 1, K + 1): the counts with a last row and column of sums, which `TOTAL` is the index of."""
    wide = np.hstack([counts, counts.sum(axis=1, keepdims=True)])
    return np.vstack([wide, wide.sum(axis=0, keepdims=True)])


def summary(counts: np.ndarray) -> Summary:
    """Accuracy with its 95 % interval (see `interval`), and the means of the F1 scores over classes.

    The macro mean is over the classes that occur, as label or as prediction, as in scikit-learn.

    Raises:
        ValueError: if the matrix is empty.
    """
    n, right = int(counts.sum()), int(np.trace(counts))
    f1 = _f1(counts)
    support = counts.sum(axis=1)
    occurs = support + counts.sum(axis=0) > 0
    return Summary(n, right, right / n, interval(right, n), float(f1[occurs].mean()), float(f1 @ support / n))


def scores(predictions: Predictions) -> dict[str, float | int | list[float]]:
    """What a run's card says: `accuracy` with `accuracy_interval`, `macro_f1`, and `n`, the number of photos."""
    found = summary(confusion(predictions))
    return {
        "accuracy": found.accuracy,
        "accuracy_interval": list(found.interval),
        "macro_f1": found.macro_f1,
        "n": found.n,
    }


def top_accuracy(predictions: Predictions, k: int) -> float:
    """Share of photos, in [0, 1], whose true class is among the k most probable (ties count against)."""
    own = np.take_along_axis(predictions.probabilities, predictions.true[:, None], axis=1)
    others = np.zeros(len(predictions), dtype=np.int64)
    for column in predictions.probabilities.T:  # one class at a time: no (N, K) temporary
        others += column >= own[:, 0]
    return float((others <= k).mean())


def log_loss(predictions: Predictions) -> float:
    """Mean negative log of the true class's probability, in nats; lower is better."""
    own = np.take_along_axis(predictions.probabilities, predictions.true[:, None], axis=1).astype(np.float64)
    return float(-np.log(np.maximum(own, np.finfo(np.float32).eps)).mean())


def class_table(counts: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row a class: `class`, `precision`, `recall`, `f1` in [0, 1] with `_low` and `_high` (95 %), and `support`.

    Also the class it is most often `taken_for` and how many `times` ("–" and 0 if it never is).

    Precision and recall are shares of photos and have Wilson's interval.  F1 is a rising function of Jaccard's index
    J = TP / (TP + FP + FN), F1 = 2J / (1 + J), so its interval is that of J, carried over.  A share of no photos is 0,
    as in scikit-learn, with an interval from 0 to 1.
    """
    true, predicted, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    table = pd.DataFrame({"class": classes})
    for name, total in (("precision", predicted), ("recall", true), ("f1", true + predicted - right)):
        found = right / np.maximum(total, 1), *intervals(right, total)
        for column, values in zip((name, name + "_low", name + "_high"), found, strict=True):
            table[column] = 2 * values / (1 + values) if name == "f1" else values
    mistakes = counts - np.diag(right)
    names = np.array([*classes, "–"], dtype=object)
    table["support"] = true
    table["taken_for"] = names[np.where(mistakes.any(axis=1), mistakes.argmax(axis=1), -1)]
    table["times"] = mistakes.max(axis=1)
    return table


def normalised(counts: np.ndarray, unit: Unit) -> np.ndarray:
    """(K, K) float64: the counts, or each as a share of its row (recall) or column (precision); 0 where there is none."""
    if unit == "count":
        return counts.astype(np.float64)
    total = counts.sum(axis=1, keepdims=True) if unit == "recall" else counts.sum(axis=0, keepdims=True)
    return np.asarray(counts / np.maximum(total, 1))


def ordering(counts: np.ndarray, order: Order) -> list[int]:
    """Class indices in the order of display.

    `recall`: the weakest first.  `similarity`: classes that are confused stand together (average linkage on one minus
    the symmetrised share of confusions, leaves in optimal order, Bar-Joseph et al. 2001).
    """
    size = len(counts)
    if order == "alphabetical" or size < 3:
        return list(range(size))
    if order == "recall":
        return [int(index) for index in np.argsort(np.diag(normalised(counts, "recall")), kind="stable")]
    shares = normalised(counts, "recall")
    distance = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [int(index) for index in leaves_list(tree)]


class Confusion(NamedTuple):
    """How many photos of one class are taken for another, as a share with Wilson's 95 % interval from low to high."""

    true: int
    predicted: int
    photos: int
    share: float
    low: float
    high: float


def confusions(counts: np.ndarray, *, directed: bool = True) -> list[Confusion]:
    """The confusions that occur, the most frequent first; of equals, the larger share.

    Directed: the share is of the true class's photos.  Undirected: both directions together, of both classes' photos;
    `true` and `predicted` then name the direction that is more frequent.
    """
    support = counts.sum(axis=1)
    mistakes = counts - np.diag(np.diag(counts))
    if directed:
        true, predicted = np.nonzero(mistakes)
        number, total = mistakes[true, predicted], support[true]
    else:
        true, predicted = np.nonzero(np.triu(mistakes + mistakes.T))
        number, total = (mistakes + mistakes.T)[true, predicted], support[true] + support[predicted]
        turned = mistakes[predicted, true] > mistakes[true, predicted]
        true, predicted = np.where(turned, predicted, true), np.where(turned, true, predicted)
    columns = (true, predicted, number, number / total, *intervals(number, total))
    found = [Confusion(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return sorted(found, key=lambda one: (-one.photos, -one.share))


def interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (Wilson 1927), in [0, 1]; from 0 to 1 if there are no trials."""
    low, high = intervals(np.array([successes]), np.array([trials]))
    return float(low[0]), float(high[0])


def intervals(successes: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`interval` for many shares at once: (M,) lower and (M,) upper bounds."""
    z, n = float(norm.ppf(0.975)), np.maximum(trials, 1)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(successes == 0, 0.0, np.maximum(centre - half, 0))
    high = np.where(successes == trials, 1.0, np.minimum(centre + half, 1))
    return np.where(trials > 0, low, 0.0), np.where(trials > 0, high, 1.0)


def report(counts: np.ndarray, classes: tuple[str, ...]) -> tuple[str, pd.DataFrame]:
    """scikit-learn's classification report on the classes that occur: the familiar text, and the same as a table."""
    true, predicted = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    occur = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    options = {"labels": occur, "target_names": [classes[index] for index in occur], "zero_division": 0}
    text = classification_report(true, predicted, digits=4, **options)
    table = classification_report(true, predicted, output_dict=True, **options)
    accuracy = table.pop("accuracy", None)
    frame = pd.DataFrame(table).T
    if accuracy is not None:
        frame.loc["accuracy"] = [accuracy, accuracy, accuracy, int(counts.sum())]
    return text, frame.rename_axis("class").reset_index()


@dataclass(frozen=True)
class McNemar:
    """Two runs on the same photos: how many only the first got right (`broken`), and only the second (`fixed`).

    `p` is the exact two-sided probability of a split at least as uneven if both were equally good (McNemar 1947).
    """

    broken: int
    fixed: int
    p: float


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> McNemar:
    """Compare two runs by the photos on which they differ; (N,) bool each, in the same order."""
    broken = int((first_right & ~second_right).sum())
    fixed = int((~first_right & second_right).sum())
    p = float(binomtest(min(broken, fixed), broken + fixed).pvalue) if broken + fixed else 1.0
    return McNemar(broken, fixed, p)


@dataclass(frozen=True)
class Curves:
    """What the history of a training says.  Accuracies in [0, 1], losses in nats, epochs from 1.

    `kept_epoch` is the one whose weights are kept.  `gap` is training minus validation accuracy there.  `turned`: the
    validation loss has risen again by more than 1 % over its lowest value.
    """

    kept_epoch: int
    kept_accuracy: float
    gap: float
    lowest_loss_epoch: int
    lowest_loss: float
    last_loss: float
    turned: bool
    reductions: list[int]


def curves(history: pd.DataFrame, *, keeps_last: bool = False) -> Curves:
    """Read a training's history (at least one epoch).

    `reductions` are the first epochs at a lower learning rate, of a schedule that falls in steps; of one that falls in
    every other epoch or more often, there are none.

    Args:
        keeps_last: the weights of the last epoch are kept, and not those of the first best one.
    """
    accuracy = history["validation_accuracy"].to_numpy()
    kept = history.iloc[-1 if keeps_last else int(accuracy.argmax())]
    lowest = history.iloc[int(history["validation_loss"].to_numpy().argmin())]
    last = float(history["validation_loss"].iloc[-1])
    rates = history["learning_rate"].to_numpy()
    falls = np.flatnonzero(rates[1:] < rates[:-1] * 0.999) + 1
    return Curves(
        int(kept["epoch"]),
        float(kept["validation_accuracy"]),
        float(kept["train_accuracy"] - kept["validation_accuracy"]),
        int(lowest["epoch"]),
        float(lowest["validation_loss"]),
        last,
        last > 1.01 * float(lowest["validation_loss"]),
        history["epoch"].to_numpy()[falls].astype(int).tolist() if 2 * len(falls) <= len(rates) else [],
    )


def _f1(counts: np.ndarray) -> np.ndarray:
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return np.asarray(2 * np.diag(counts) / np.maximum(both, 1))
