"""Rows that say too little to be counted: those without a prediction or a true label are left out, named and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from har_core.errors import DataError
from har_core.imports.labels import Labels
from har_core.imports.rows import Rows
from har_core.imports.tables import shown
from har_core.imports.text_numbers import NULLS

What = Literal["prediction", "true label"]

_NEVER_NAMES = frozenset(NULLS) - {"NA", "N/A", "n/a", "null", "NULL", "None", "(null)"}
_NAMED = 3


class NoRows(DataError):
    """All rows are left out."""


@dataclass(frozen=True)
class LeftOut:
    """Rows that are left out because they have no prediction, or no true label: how many, and the first few names."""

    what: What
    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.names) else ""
        return f"rows without a {self.what}, left out: {self.count:,} ({', '.join(self.names)}{more})"


def left_out_of(what: What, blank: np.ndarray, samples: Sequence[str]) -> tuple[LeftOut, ...]:
    """One, or none where no row is blank.

    Args:
        blank: (N,) bool.
    """
    places = np.flatnonzero(blank)
    return (LeftOut(what, len(places), tuple(_named(samples, row) for row in places[:_NAMED])),) if len(places) else ()


def blank_words(true: Labels, others: Sequence[Labels], classes: Sequence[str]) -> None:
    """Take words such as None and NaN for no label where they are no class.

    Without class names told, None, null and NA are a class if both true and predicted labels have them; NaN never is one.

    Args:
        others: predicted labels.
        classes: as far as they were told.
    """
    ours, theirs = set(true.names), {name for labels in others for name in labels.names}
    for labels in (true, *others):
        words = {name for name in labels.names if name in NULLS}
        if classes:
            named = labels.named(classes)
            words = {name for name in words if named.get(name, -1) < 0}
        else:
            words = {name for name in words if name in _NEVER_NAMES or name not in ours & theirs}
        labels.blank(words)


def without_prediction(rows: Rows) -> np.ndarray:
    """(N,) bool: rows with no score, no ranked class, or no predicted label, whichever the predictions are."""
    if rows.scores is not None:
        return np.asarray(np.isnan(rows.scores[:, 0]))
    if rows.top:
        return np.asarray(np.all([labels.is_blank() & np.isnan(values) for labels, values in rows.top], axis=0))
    assert rows.predicted is not None  # a table without scores has a column of predicted labels
    return rows.predicted.is_blank()


def require_predictions(blank: np.ndarray, samples: Sequence[str], place: str) -> None:
    """Stop if more than half of a table's rows have no prediction: it is read amiss, or not finished.

    Raises:
        DataError: then.
    """
    if 2 * np.count_nonzero(blank) > len(blank):
        raise DataError(
            f"expected a prediction in most rows of {place}, found none in {_first(blank, samples)}; export the predictions again, or "
            "name the column with --predicted"
        )


def told_rows(rows: Rows, *, skip: bool, whole: bool) -> tuple[Rows, tuple[str, ...], tuple[LeftOut, ...]]:
    """(the rows with a prediction and a true label, "name: reason" of each other, how many these are).

    Args:
        skip: whether any number may have no true label; else at most half.
        whole: whether these are all rows of the table: of a part nobody can say how many are too many.

    Raises:
        NoRows: if none is left.
        DataError: if too many have no prediction, or no true label.
    """
    unpredicted = without_prediction(rows)
    unlabeled = rows.true.is_blank()
    if not (unpredicted.any() or unlabeled.any()):
        return rows, (), ()
    if whole:
        require_predictions(unpredicted, rows.samples, rows.place)
    if whole and not skip and 2 * np.count_nonzero(unlabeled) > len(unlabeled):
        raise DataError(
            f"expected a true label in most rows of {rows.place}, found no label in {_first(unlabeled, rows.samples)}; pass --unknown "
            "skip to leave such rows out"
        )
    unlabeled &= ~unpredicted
    gone = unpredicted | unlabeled
    if gone.all():
        raise NoRows(
            f"expected rows with a prediction and a true label in {rows.place}, found none; check --true and --predicted"
        )
    skipped = tuple(
        f"{_named(rows.samples, row)}: no {'prediction' if unpredicted[row] else 'true label'}"
        for row in np.flatnonzero(gone).tolist()
    )
    told = (
        *left_out_of("prediction", unpredicted, rows.samples),
        *left_out_of("true label", unlabeled, rows.samples),
    )
    return rows.only(np.flatnonzero(~gone)), skipped, told


def _named(samples: Sequence[str], row: int) -> str:
    return samples[row][:200] or f"row {row + 1:,}"


def _first(blank: np.ndarray, samples: Sequence[str]) -> str:
    row = int(np.flatnonzero(blank)[0])
    return f"{np.count_nonzero(blank):,} of {len(blank):,}, first in row {row + 1:,} ({shown(samples[row])})"
