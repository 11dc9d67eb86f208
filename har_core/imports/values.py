"""Scores of any kind → probabilities; the rows that are none are found, not mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from har_core.errors import ConfigError, DataError
from har_core.files import and_more
from har_core.imports import headers
from har_core.imports.tables import shown

ScoreKind = Literal["probabilities", "percentages", "logits"]

TOLERANCE = 0.02
"""How far from 1 a row's sum may be, as rounded values are; the row is then divided by its sum."""

_STORED = 5e-4  # rows this near to 1 are kept as they are, so that what was exported comes back bit for bit
_ROUNDING = 1e-6


@dataclass
class Faults:
    """Rows that cannot be used: of each kind the first, and how many there are."""

    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, rows: np.ndarray, start: int, detail: object = "") -> None:
        """Note rows.

        Args:
            rows: (B,) bool.
            start: the number of the first of them in the table, from 0.
            detail: (B,) values to show, or one text.
        """
        found = np.flatnonzero(rows)
        if len(found):
            value = detail[found[0]] if isinstance(detail, np.ndarray) else detail
            self.first.setdefault(
                kind, (start + int(found[0]), f"{value:.4g}" if isinstance(value, float) else str(value))
            )
            self.count[kind] = self.count.get(kind, 0) + len(found)


def kind_of(values: np.ndarray, columns: tuple[str, ...], place: str) -> ScoreKind:
    """Tell logits from probabilities and from percentages.

    Args:
        values: (M, K) float64, the first rows.

    Raises:
        DataError: if that is not certain.
    """
    rows = values[_are_logits(values)]
    if not len(rows):
        return "probabilities"  # refused by its first row
    sums = rows.sum(axis=1)
    ones, hundreds = np.abs(sums - 1) <= TOLERANCE, np.abs(sums - 100) <= 100 * TOLERANCE
    share, percent, negative = float(ones.mean()), float(hundreds.mean()), float((rows < -_ROUNDING).any(axis=1).mean())
    if percent > 0.5 and negative < 0.5 and share < 0.05:
        return "percentages"
    if share > 0.5 and negative < 0.5 and percent < 0.05:
        if headers.says_logits(columns[0]):
            raise DataError(
                f"expected logits in the column {shown(columns[0])} of {place}, as it is called, found rows that sum to 1; pass "
                "--scores probabilities or --scores logits"
            )
        return "probabilities"
    if share < 0.05 and percent < 0.05:
        if negative or rows.max() > 1 + _ROUNDING or headers.says_logits(columns[0]):
            return "logits"
        return "probabilities"  # from 0 to 1 as logits never are: refused by its first row
    raise DataError(
        f"expected rows of {place} that all sum to 1, or to 100, or are logits, found {share:.0%} that sum to 1 and {percent:.0%} "
        "to 100; mend the table, or say which with --scores"
    )


def _are_logits(values: np.ndarray) -> np.ndarray:
    """(B,) bool: rows that softmax can be taken of; the classes that a model rules out have minus infinity."""
    return np.asarray((values < np.inf).all(axis=1) & (values > -np.inf).any(axis=1))


def to_probabilities(values: np.ndarray, kind: ScoreKind, faults: Faults, start: int) -> np.ndarray:
    """(B, K) float64 scores → (B, K) float32 probabilities, rows sum to 1; rows that are none are noted in `faults`.

    Rows without a single value have no prediction: they are NaN.

    Args:
        start: the number of the first of these rows in the table, from 0.
    """
    finite = _are_logits(values) if kind == "logits" else np.isfinite(values).all(axis=1)
    if finite.all():
        return _probabilities(values, kind, finite, faults, start)
    empty = np.isnan(values).all(axis=1)
    faults.add("finite", ~(finite | empty), start, "an empty cell, NaN or an infinity")
    values = np.where(finite[:, None], values, 1 / values.shape[1])
    probabilities = _probabilities(values, kind, finite, faults, start)
    probabilities[empty] = np.nan
    return probabilities


def _probabilities(values: np.ndarray, kind: ScoreKind, finite: np.ndarray, faults: Faults, start: int) -> np.ndarray:
    if kind == "logits":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
    if kind == "percentages":
        values = values / 100
    lowest = values.min(axis=1)
    if lowest.min() < 0:
        faults.add("negative", finite & (lowest < -_ROUNDING), start, lowest)
        values = np.maximum(values, 0)
    sums = values.sum(axis=1)
    away = np.abs(sums - 1)
    faults.add("sum", finite & (lowest >= -_ROUNDING) & (away > TOLERANCE), start, sums)
    if (rounded := (away > _STORED) & (away <= TOLERANCE)).any():
        faults.add("rounded", rounded, start)
        values = np.where(rounded[:, None], values / np.where(sums > 0, sums, 1)[:, None], values)
    return np.asarray(values, dtype=np.float32)


def to_shares(values: np.ndarray, kind: ScoreKind | None, what: str) -> np.ndarray:
    """Confidences as shares of 1, float64, NaN where there is none; percentages are told by values above 1.

    Raises:
        ConfigError: if they are said to be logits: one alone says nothing.
        DataError: if one is not in [0, 1], or in [0, 100].
    """
    if kind == "logits":
        raise ConfigError(
            f"expected {what} from 0 to 1, found --scores logits: one logit alone says nothing; export the values of all classes"
        )
    known = values[~np.isnan(values)]
    if kind == "percentages" or (kind is None and known.size and 1 + TOLERANCE < known.max() <= 100 + _ROUNDING):
        values = values / 100
        known = known / 100
    bad = (known < -_ROUNDING) | (known > 1 + _ROUNDING)
    if bad.any():
        first = int(np.flatnonzero((values < -_ROUNDING) | (values > 1 + _ROUNDING))[0])
        raise DataError(
            f"expected {what} from 0 to 1, or from 0 to 100, found {float(values.flat[first]):g}{and_more(bad.sum() - 1)}; export "
            "probabilities, or leave them out"
        )
    return np.asarray(np.clip(values, 0, 1))


def put_first(probabilities: np.ndarray, predicted: np.ndarray) -> None:
    """Where the predicted class shares its probability with another, make it the larger by the smallest step, in place."""
    other = np.flatnonzero(probabilities.argmax(axis=1) != predicted)
    highest = probabilities[other].max(axis=1)
    probabilities[other, predicted[other]] = np.nextafter(highest, np.float32(2))
