"""Scores of any kind → probabilities; the rows that are none are found, not mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import numpy as np

from har_core.errors import ConfigError, DataError
from har_core.files import and_more
from har_core.imports import headers
from har_core.imports.tables import shown

ScoreKind = Literal["probabilities", "percentages", "logits"]

TOLERANCE = 0.02
"""How far from 1 a row's sum may be, as rounded values are; the row is then divided by its sum."""

_LARGE = 50  # logits of 0 or more, such as CLIP's, are below; percentages go up to 100
_STORED = 5e-4  # rows this near to 1 are kept as they are, so that what was exported comes back bit for bit
_ROUNDING = 1e-6
_ROUNDED = 0.005
_LOGARITHMS = (
    (np.e, -1, "negative natural logarithms"),
    (10.0, -1, "negative logarithms to the base of 10"),
    (2.0, -1, "negative logarithms to the base of 2"),
    (10.0, 1, "logarithms to the base of 10"),
    (2.0, 1, "logarithms to the base of 2"),
)


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

    Rows that share another sum (see `whole_of`) are probabilities, once they are divided by it.

    Args:
        values: (M, K) float64, the first rows.

    Raises:
        DataError: if that is not certain.
    """
    rows = values[_are_logits(values)]
    if not len(rows):
        return "probabilities"  # refused by its first row
    ones, hundreds = sums_to(rows, 1), sums_to(rows, 100)
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
    if share + percent < 0.05 or (negative > 0.25 and share + percent < 0.2 and _by_chance(rows[ones | hundreds])):
        return _without_sums(rows, columns[0], place)
    raise DataError(
        f"expected rows of {place} that all sum to 1, or to 100, or are logits, found {share:.0%} that sum to 1 and {percent:.0%} "
        "to 100; mend the table, or say which with --scores"
    )


def _by_chance(rows: np.ndarray) -> bool:
    """Whether the sums of (M, K) values are 1 or 100 as those of logits happen to be: of whole numbers, or not exactly."""
    sums = rows.sum(axis=1)
    away = np.minimum(np.abs(sums - 1), np.abs(sums / 100 - 1))
    return bool((rows == np.round(rows)).all() or away.mean() > TOLERANCE / 8)


def _without_sums(rows: np.ndarray, column: str, place: str) -> ScoreKind:
    """What rows are that sum neither to 1 nor to 100.

    Args:
        column: the name of the first of them.

    Raises:
        DataError: if they may be no logits.
    """
    if headers.says_logits(column):
        return "logits"
    if _are_ranks(rows):
        raise DataError(
            f"expected scores in {place}, found each row of {shown(column)} and the columns after it to be the ranks from "
            f"{rows.min():g} to {rows.max():g}, of which the lowest or the highest may be the best; export probabilities, or a column "
            "called predicted alone"
        )
    for base, sign, what in _LOGARITHMS:
        if (sign * rows <= _ROUNDING).all() and (np.abs((base ** (sign * rows)).sum(axis=1) - 1) < _ROUNDED).all():
            raise DataError(
                f"expected probabilities or logits in {place}, found {shown(column)} and the columns after it to be {what} of "
                "probabilities; export the probabilities themselves"
            )
    is_negative = bool((rows < -_ROUNDING).any())
    if not is_negative and (whole_of(rows) is not None or rows.max() <= 1 + _ROUNDING):
        return "probabilities"  # those from 0 to 1, as logits never are, are refused by their first row
    if _says_probabilities(column):
        raise DataError(
            f"expected probabilities that sum to 1 in the column {shown(column)} of {place}, as it is called, and the others, found "
            "other sums; export those of all classes, or pass --scores logits if they are logits"
        )
    if is_negative or not (rows.max() > _LARGE or (np.abs(rows * 10 - np.round(rows * 10)) < 1e-9).all()):
        return "logits"
    raise DataError(
        f"expected rows of {place} that sum to 1, to 100 or all to another number, or are logits, found other sums of values of 0 or "
        "more, as counts, ratings and percentages of each class alone have; export probabilities, or pass --scores logits if they "
        "are logits"
    )


def _are_ranks(rows: np.ndarray) -> bool:
    """Whether each row is an order of 0 to K - 1, or of 1 to K, and not always the same one: votes are not."""
    ordered = np.sort(rows, axis=1)
    rising = np.arange(rows.shape[1]) + ordered[0, 0]
    return bool(ordered[0, 0] in (0, 1) and (ordered == rising).all() and (rows != rows[0]).any())


def _says_probabilities(column: str) -> bool:
    """Whether a column's name claims that its values are probabilities."""
    found = headers.prefixed(column)
    return found is not None and "prob" in found.prefix.casefold()


def sums_to(rows: np.ndarray, whole: float) -> np.ndarray:
    """(M,) bool: which of (M, K) float64 are from 0 to `whole` and sum to it."""
    slack = TOLERANCE * whole
    inside = (rows >= -_ROUNDING * whole).all(axis=1) & (rows <= whole + slack).all(axis=1)
    return np.asarray(inside & (np.abs(rows.sum(axis=1) - whole) <= slack))


def whole_of(values: np.ndarray) -> float | None:
    """The sum other than 1 and 100 that most rows of (M, K) float64 of 0 or more share, as votes and weights up to 255 do.

    None if there is none, or if so few rows say nothing.
    """
    rows = values[np.isfinite(values).all(axis=1)]
    if len(rows) < 2 or rows.shape[1] < 2 or (rows == rows[0]).all() or rows.min() < -_ROUNDING:
        return None
    sums = rows.sum(axis=1)
    whole = float(np.median(sums))
    if rows.max() <= 1 + TOLERANCE or abs(whole / 100 - 1) <= TOLERANCE:  # shares of 1 cannot be divided again
        return None
    places = next((n for n in range(6) if (np.abs(rows - np.round(rows, n)) < 1e-9).all()), 6)
    slack = min(0.5 * rows.shape[1] * 10.0**-places, 5e-3 * whole) + 1e-6 * whole
    alike = np.abs(sums - whole) <= slack
    if not alike.mean() > 0.5 or (len(rows) < 4 and not alike.all()):
        return None
    return float(np.round(whole)) if abs(whole - round(whole)) <= slack else whole


def _are_logits(values: np.ndarray) -> np.ndarray:
    """(B,) bool: rows that softmax can be taken of; the classes that a model rules out have minus infinity."""
    return np.asarray((values < np.inf).all(axis=1) & (values > -np.inf).any(axis=1))


def to_probabilities(
    values: np.ndarray, kind: ScoreKind, faults: Faults, start: int, *, whole: float | None = None
) -> np.ndarray:
    """(B, K) float64 scores → (B, K) float32 probabilities, rows sum to 1; rows that are none are noted in `faults`.

    Rows without a single value have no prediction: they are NaN.

    Args:
        start: the number of the first of these rows in the table, from 0.
        whole: what the rows sum to, if it is neither 1 nor the 100 of percentages.
    """
    finite = _are_logits(values) if kind == "logits" else np.isfinite(values).all(axis=1)
    total = whole or (100 if kind == "percentages" else 1)
    if finite.all():
        return _probabilities(values, kind, finite, faults, start, total)
    empty = np.isnan(values).all(axis=1)
    faults.add("finite", ~(finite | empty), start, "an empty cell, NaN or an infinity")
    values = np.where(finite[:, None], values, total / values.shape[1])
    probabilities = _probabilities(values, kind, finite, faults, start, total)
    probabilities[empty] = np.nan
    return probabilities


def _probabilities(
    values: np.ndarray, kind: ScoreKind, finite: np.ndarray, faults: Faults, start: int, whole: float
) -> np.ndarray:
    if kind == "logits":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
    if whole != 1:
        values = values / whole
    lowest = values.min(axis=1)
    if lowest.min() < 0:
        faults.add("negative", finite & (lowest < -_ROUNDING), start, lowest)
        values = np.maximum(values, 0)
    sums = values.sum(axis=1)
    away = np.abs(sums - 1)
    wrong = finite & (lowest >= -_ROUNDING) & (away > TOLERANCE)
    if wrong.any():
        shares = whole in (1, 100)
        found = (
            sums if shares else np.array([f"{one * whole:.4g} instead of {whole:.4g}" for one in sums], dtype=object)
        )
        faults.add("sum", wrong, start, found)
    if (rounded := (away > _STORED) & (away <= TOLERANCE)).any():
        faults.add("rounded", rounded, start)
        values = np.where(rounded[:, None], values / np.where(sums > 0, sums, 1)[:, None], values)
    return np.asarray(values, dtype=np.float32)


def to_shares(
    values: np.ndarray, kind: ScoreKind | None, what: str, told: Callable[[int, float], str]
) -> tuple[np.ndarray, bool]:
    """(confidences as shares of 1, float64, NaN where there is none; whether they were percentages, told by values above 50).

    Args:
        values: (N,) or (N, k) float64.
        told: (row from 0, value) → what an error says of a value.

    Raises:
        ConfigError: if they are said to be logits: one alone says nothing.
        DataError: if one is not in [0, 1], or in [0, 100], or what they are is not certain.
    """
    if kind == "logits":
        raise ConfigError(
            f"expected {what} from 0 to 1, found --scores logits: one logit alone says nothing; export the values of all classes"
        )
    known = values[~np.isnan(values)]
    highest = float(known.max()) if known.size else 0.0
    above = 1 + TOLERANCE < highest <= 100 + _ROUNDING and known.min() >= -_ROUNDING
    if kind is None and above and highest <= _LARGE:
        raise DataError(
            f"expected {what} from 0 to 1, or percentages, of which some are above {_LARGE}, found {highest:g} as the largest, as "
            "logits and ratings have it; export probabilities, or pass --scores percentages if they are percentages"
        )
    if kind is None and above:
        best = values if values.ndim == 1 else np.fmax.reduce(values, axis=1)
        small = best <= 1  # percent of the most probable class, none are
        if small.any() and (best > 1 + TOLERANCE).any():
            rows = sorted(int(np.flatnonzero(one)[0]) for one in (small, best > 1 + TOLERANCE))
            refuse_scales(what, *(told(row, float(best[row])) for row in rows))
    percentages = kind == "percentages" or (kind is None and above)
    if percentages:
        values = values / 100
        known = known / 100
    bad = (known < -_ROUNDING) | (known > 1 + _ROUNDING)
    if bad.any():
        first = np.argwhere((values < -_ROUNDING) | (values > 1 + _ROUNDING))[0]
        raise DataError(
            f"expected {what} from 0 to 1, or from 0 to 100, found {told(first[0], float(values[tuple(first)]))}{and_more(bad.sum() - 1)}; export "
            "probabilities, or leave them out"
        )
    return np.asarray(np.clip(values, 0, 1)), percentages


def refuse_scales(what: str, one: str, other: str) -> NoReturn:
    """Stop at shares of 1 among percentages.

    Args:
        one, other: the first value of each, and its row.
    """
    raise DataError(
        f"expected {what} either from 0 to 1 in all rows or from 0 to 100, found {one} and {other}; write all alike, or pass --scores "
        "percentages if they are percentages"
    )


def put_first(probabilities: np.ndarray, predicted: np.ndarray) -> None:
    """Where the predicted class shares its probability with another, make it the larger by the smallest step, in place."""
    other = np.flatnonzero(probabilities.argmax(axis=1) != predicted)
    highest = probabilities[other].max(axis=1)
    probabilities[other, predicted[other]] = np.nextafter(highest, np.float32(2))
