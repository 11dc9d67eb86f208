"""Which columns of numbers, beside those that are called like labels, are of classes."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from har_core.errors import DataError
from har_core.files import and_more
from har_core.imports.other_numbers import others_among
from har_core.imports.tables import HEAD_ROWS, Table, numbers_of, shown, texts_of
from har_core.imports.values import TOLERANCE, whole_of
from har_core.runs.class_names import class_key

_EXACT = 1e-6
_MOST = 0.95  # of the rows: a faulty one makes no column another


def block(table: Table, free: list[str], bare: list[str]) -> list[str]:
    """The columns called like labels, with those of classes that no photo has.

    These are told by their sums: beside the others' probabilities, one of theirs is at most what is left of 1, or 100, and the
    sums come out by them.  Of logits, which have no such sum, those count that are called like a label anywhere in the table.

    Args:
        free: columns of numbers, in the order of the table.
        bare: those of them that are called like labels.

    Raises:
        DataError: if there is no such sum, and other columns may be of classes or not.
    """
    values = [_values(table, name) for name in free]
    known = [number for number, one in enumerate(values) if one is not None]
    numbers = np.stack([one for one in values if one is not None], axis=1) if known else np.empty((0, 0))
    fixed = np.array([free[number] in bare for number in known], dtype=bool)
    predicted = np.isfinite(numbers[:, fixed] if fixed.any() else numbers).any(axis=1)
    if predicted.any():
        numbers = numbers[predicted]
    others = others_among(free, {class_key(name) for name in bare})
    odd = np.array([free[number] in others and len(free[number]) > 1 for number in known], dtype=bool)
    found = []
    for whole in (1, 100):
        kept, error = _summing(numbers / whole, fixed, odd)
        if error is not None:
            found.append((error, [free[known[place]] for place in kept]))
    if found:
        return _without_zeros(table, min(found)[1], bare)
    for chosen in (fixed, fixed | ~np.array([free[number] in others for number in known], dtype=bool)):
        if whole_of(numbers[:, chosen]) is not None:
            return [free[number] for number, is_class in zip(known, chosen, strict=True) if is_class]
    doubtful = [name for name in free if name not in bare and name not in others]
    if not all(_is_whole(table, name) for name in bare):
        doubtful = [name for name in doubtful if not _is_whole(table, name)]
    below = _labels_below(table, [name for name in free if name not in bare], bare)
    if unknown := [name for name in doubtful if name not in below]:
        raise DataError(
            f"expected scores of classes that occur as labels in {table.place}, found more columns of numbers that may be of classes "
            f"or not ({', '.join(shown(name, 24) for name in unknown[:3])}{and_more(len(unknown) - 3)}); name the classes with "
            "--classes FILE, or call their columns prob_CLASS or logit_CLASS"
        )
    return [name for name in free if name in bare or name in below]


def _labels_below(table: Table, names: list[str], bare: list[str]) -> set[str]:
    """Those columns that are called like a label further down, in a table that is sorted by its labels."""
    if len(next(iter(table.head.values()))) < HEAD_ROWS:
        return set()
    of_class = {class_key(name): name for name in names}
    known = {class_key(name) for name in bare}
    texts = [
        column
        for column, values in table.head.items()
        if column not in names and column not in bare and known & _keys_of(values, table)
    ]
    found: set[str] = set()
    for chunk in table.read(texts, ()) if texts else ():
        found |= {of_class[key] for column in texts for key in _keys_of(chunk[column], table) & set(of_class)}
    return found


def _keys_of(values: pa.Array, table: Table) -> set[str]:
    return {class_key(text) for text in pc.unique(texts_of(values, guarded=table.guarded)).to_pylist()}


def _summing(values: np.ndarray, fixed: np.ndarray, odd: np.ndarray) -> tuple[list[int], float | None]:
    """(places of the columns that add up to 1, how far from it their rows are on average); None if they do not.

    Args:
        values: (R, n) of the first rows; what is no number counts as 0.
        fixed: (n,) bool: columns that stay.
        odd: (n,) bool: columns that are called like other numbers.
    """
    values = np.where(np.isfinite(values), values, 0)
    left = 1 - values[:, fixed].sum(axis=1)
    may = ((values >= -_EXACT) & (values <= left[:, None] + TOLERANCE)).mean(axis=0) >= _MOST if len(values) else fixed
    places = np.flatnonzero(fixed | may)
    kept = places[_thinned(values[:, places], fixed[places], odd[places])]
    kept = _solved(values, left, fixed, kept, places)
    for place in kept[odd[kept] & ~fixed[kept]]:
        rest = kept[kept != place]
        if len(rest) > 1 and _error(values[:, rest]) <= max(
            _error(values[:, kept]), _rounding(values[:, rest]), _EXACT
        ):
            kept = rest
    away = np.abs(values[:, kept].sum(axis=1) - 1)
    fits = away < TOLERANCE
    return kept.tolist(), float(away[fits].mean()) if len(kept) > 1 and fits.mean() > 0.5 else None


def _solved(
    values: np.ndarray, left: np.ndarray, fixed: np.ndarray, kept: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """Of the columns `places` those that are needed to make up what is `left` by least squares, if they do so better than `kept`."""
    free = places[~fixed[places]]
    if not len(free) or len(values) < len(free) + 2 or _error(values[:, kept]) < _EXACT:
        return kept
    needed = np.linalg.lstsq(values[:, free], left, rcond=None)[0] > 0.5
    chosen = np.sort(np.concatenate([np.flatnonzero(fixed), free[needed]]))
    return chosen if len(chosen) > 1 and _error(values[:, chosen]) < _error(values[:, kept]) / 2 else kept


def _error(values: np.ndarray) -> float:
    """How far from 1 the sums of rows (R, n) are on average."""
    return float(np.abs(values.sum(axis=1) - 1).mean()) if len(values) else 0.0


def _rounding(values: np.ndarray) -> float:
    """How far from 1 the sums of rows (R, n) may be by rounding."""
    return 1.01 * float((0.5 * 10.0 ** -_decimals(values)).sum())


def _thinned(values: np.ndarray, fixed: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Places of the columns without those of other numbers.

    One column after the other is left out, as long as that brings the sums to less than half of their distance from 1, and neither
    rounding can be the reason nor chance.
    """
    kept = np.arange(values.shape[1])
    decimals = _decimals(values)
    while len(kept) > 2:
        away = values[:, kept].sum(axis=1) - 1
        error = float(np.abs(away).mean())
        without = np.abs(away[:, None] - values[:, kept])
        others = np.flatnonzero(~fixed[kept])
        if not len(others) or error < _EXACT:
            break
        best = others[int(without[:, others].mean(axis=0).argmin())]
        rest = np.delete(kept, best)
        rounding = 1.01 * float((0.5 * 10.0 ** -decimals[rest]).sum())
        finer = decimals[kept[best]] > decimals[rest].max()
        always = len(values) > 2 and bool((without[:, best] < np.abs(away)).all())
        if without[:, best].mean() >= error / 2 or not (error > rounding or finer or always or odd[kept[best]]):
            break
        kept = rest
    return kept


def _decimals(values: np.ndarray) -> np.ndarray:
    """(n,) decimal places that the numbers (R, n) of a column are written with, 9 if there are more."""
    found = np.full(values.shape[1], 9)
    for places in range(8, -1, -1):
        found[(np.abs(values - np.round(values, places)) < 1e-12).all(axis=0)] = places
    return found


def _without_zeros(table: Table, columns: list[str], bare: list[str]) -> list[str]:
    """Without columns of nothing but the whole number 0 that need not be a class's.

    Such a column may be that of a class which has photos further down, as its neighbors may be.
    """
    zeros = {
        name
        for name in columns
        if name not in bare
        and (values := _values(table, name)) is not None
        and not np.nan_to_num(values).any()
        and (_is_whole(table, name) or np.isnan(values).any())
    }
    if not zeros or len(columns) - len(zeros) < 2:
        return columns
    if len(next(iter(table.head.values()))) < HEAD_ROWS:  # there is no further down
        return [name for name in columns if name not in zeros]
    place = {name: number for number, name in enumerate(table.columns)}
    some = set(columns)
    others = others_among(columns, {class_key(name) for name in bare})
    free = np.array([name in some for name in table.columns])
    block = np.cumsum(~free)  # equal for columns with none of another kind between them
    blocks = {int(block[place[name]]) for name in columns if name not in zeros}
    return [name for name in columns if name not in zeros or (int(block[place[name]]) in blocks and name not in others)]


def _values(table: Table, name: str) -> np.ndarray | None:
    try:
        return numbers_of(table.head[name], table, name, 1)
    except DataError:
        return None


def _is_whole(table: Table, name: str) -> bool:
    """Whether numbers are written without a point, as counts are."""
    values = table.head[name]
    if pa.types.is_dictionary(values.type):
        values = pc.unique(values).dictionary_decode()
    if pa.types.is_string(values.type):
        return all(re.fullmatch(r"[+-]?[0-9]*", text.strip()) for text in values.to_pylist() if text)
    return bool(pa.types.is_integer(values.type))
