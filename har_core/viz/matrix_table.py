"""Confusion matrices → tables of colored cells with words for each, and pictures for reports."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from har_core.analysis.confusion import TOTAL, with_totals
from har_core.viz.formats import class_label, distinct_labels, rounded, short_labels

_LONG = 10_000  # photos of a cell, from which on counts are written short: the columns of all classes fit on a screen
_FEW = 8  # classes: of more there is no room for totals of a thousand and more either


class MatrixTable(NamedTuple):
    """What a page draws of a matrix: N rows and columns, those of K classes and perhaps of the totals."""

    names: list[str]
    """(N,) of rows and columns, all different."""
    heads: list[str]
    """(N,) the same in at most 22 characters."""
    places: list[int]
    """(N,) their class indices, or `TOTAL`."""
    texts: list[list[str]]
    """(N, N) what is written in the cells."""
    details: list[list[str]]
    """(N, N) what is said of a cell that is pointed at."""
    shades: list[list[float]]
    """(K, K) from 0, no color, to 1, the full color of what is more or worse; down to -1, that of what became better."""


def confusion_table(
    matrix: np.ndarray,
    values: np.ndarray,
    classes: tuple[str, ...],
    order: list[int],
    *,
    as_percent: bool,
    hide_diagonal: bool = True,
) -> MatrixTable:
    """A confusion matrix with its totals.

    Args:
        matrix: (K, K) counts, rows true.
        values: (K, K), what is written and colored: the counts, or shares in [0, 1] if `as_percent`.
        order: class indices from the first row and column to the last.
        hide_diagonal: leave correct predictions out, so that the errors show.
    """
    places, counts = [*order, TOTAL], with_totals(matrix)
    counts = counts[np.ix_(places, places)]
    names = distinct_labels([*(class_label(classes[index]) for index in order), "all"])
    details = [[f"{number:,} photo{'' if number == 1 else 's'}" for number in row] for row in counts.tolist()]
    many = len(order) > _FEW and counts[-1, :-1].max(initial=0) >= 1000
    written = _short if many or counts[:-1, :-1].max(initial=0) >= _LONG else "{:,}".format
    texts = [[written(number) if number else "" for number in row] for row in counts.tolist()]
    ordered = values[np.ix_(order, order)].astype(np.float64)
    if as_percent:
        for row, column in zip(*np.nonzero(counts[:-1, :-1]), strict=True):
            texts[row][column] = rounded(float(ordered[row, column])).replace(" ", "")
    if hide_diagonal:
        np.fill_diagonal(ordered, 0)
        for place in range(len(order)):
            texts[place][place] = ""
    return MatrixTable(names, [*_heads(classes, order), "all"], places, texts, details, _relative(ordered))


def _short(number: int) -> str:
    """In at most four characters: 5,390 is 5.4k, 39,121 is 39k, 1,204,000 is 1.2M."""
    for factor, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor * 0.9995:
            value = number / factor
            return f"{value:.1f}{letter}" if value < 9.95 else f"{value:.0f}{letter}"
    return str(number)


def difference_table(change: np.ndarray, classes: tuple[str, ...], *, as_percent: bool) -> MatrixTable:
    """(K, K) changes of a confusion matrix: more photos on the diagonal are better, more photos elsewhere are worse."""
    scaled = change * 100 if as_percent else change
    unit = " points of the true class's photos" if as_percent else " photos"
    texts = [[f"{number:+d}" if number else "" for number in row] for row in np.rint(scaled).astype(int).tolist()]
    details = [[f"change: {value:+.{int(as_percent)}f}{unit}" for value in row] for row in scaled.tolist()]
    worse = np.where(np.eye(len(change), dtype=bool), -change, change).astype(np.float64)
    names = distinct_labels(class_label(name) for name in classes)
    return MatrixTable(
        names, _heads(classes, range(len(classes))), list(range(len(names))), texts, details, _relative(worse)
    )


def _heads(classes: tuple[str, ...], order: Iterable[int]) -> list[str]:
    return distinct_labels(short_labels([classes[index] for index in order], 22))


def matrix_png(matrix: np.ndarray, classes: tuple[str, ...]) -> bytes:
    """A confusion matrix as a PNG file for a report, drawn by scikit-learn."""
    from matplotlib.figure import Figure  # slow import, rarely needed
    from sklearn.metrics import ConfusionMatrixDisplay

    side = 3 + 0.5 * len(classes)
    figure = Figure(figsize=(side, side), layout="tight")
    labels = [class_label(name).replace("$", r"\$") for name in classes]
    display = ConfusionMatrixDisplay(matrix, display_labels=labels)
    display.plot(ax=figure.add_subplot(), cmap="Oranges", colorbar=False, xticks_rotation=60)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _relative(values: np.ndarray) -> list[list[float]]:
    most = max(float(np.abs(values).max(initial=0)), 1e-9)
    return [[round(value, 3) for value in row] for row in (values / most).tolist()]
