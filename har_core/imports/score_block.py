"""Which columns of numbers, beside those that are called like labels, are of classes."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.tables import HEAD_ROWS, Table, numbers_of
from har_core.imports.values import TOLERANCE

_EXACT = 1e-6
_OTHERS = frozenset(
    (
        "fold",
        "split",
        "index",
        "idx",
        "row",
        "epoch",
        "seed",
        "rank",
        "group",
        "batch",
        "width",
        "height",
        "latency",
        "time",
        "seconds",
        "ms",
    )
)
"""What columns of other numbers are often called (see `headers.plain`)."""


def block(table: Table, free: list[str], bare: list[str]) -> list[str]:
    """The columns called like labels, with those of classes that no photo has.

    These are told by their sums: a column of other numbers is one without which rows are clearly nearer to 1, or 100.  Of logits,
    which have no such sum, all that are numbers with fractions count.

    Args:
        free: columns of numbers, in the order of the table.
        bare: those of them that are called like labels.

    Raises:
        DataError: if there is no such sum, and columns of another kind are between them.
    """
    values = [_values(table, name) for name in free]
    known = [number for number, one in enumerate(values) if one is not None]
    numbers = np.stack([one for one in values if one is not None], axis=1) if known else np.empty((0, 0))
    fixed = np.array([free[number] in bare for number in known], dtype=bool)
    predicted = np.isfinite(numbers[:, fixed] if fixed.any() else numbers).any(axis=1)
    if predicted.any():
        numbers = numbers[predicted]
    odd = np.array([headers.plain(free[number]) in _OTHERS for number in known], dtype=bool)
    found = []
    for whole in (1, 100):
        kept, error = _thinned(numbers / whole, fixed, odd)
        if error is not None:
            found.append((error, [free[known[place]] for place in kept]))
    if found:
        return _without_zeros(table, min(found)[1], bare)
    if not all(_is_whole(table, name) for name in bare):
        free = [name for name in free if name in bare or not (_is_whole(table, name) or headers.plain(name) in _OTHERS)]
    columns = list(table.columns)
    if [columns.index(name) for name in free] == list(
        range(columns.index(free[0]), columns.index(free[0]) + len(free))
    ):
        return free
    if len(free) == len(bare):
        return bare
    raise DataError(
        f"expected one column a class in {table.place}, found other columns of numbers between them; name the classes with "
        "--classes FILE, or call their columns prob_CLASS"
    )


def _thinned(values: np.ndarray, fixed: np.ndarray, odd: np.ndarray) -> tuple[list[int], float | None]:
    """(places of the columns that add up to 1, how far from it their rows are on average); None if they do not.

    One column after the other is left out, as long as that brings the sums to less than half of that distance, and neither rounding
    can be the reason nor chance.

    Args:
        values: (R, n) of the first rows; what is no number counts as 0.
        fixed: (n,) bool: columns that stay.
        odd: (n,) bool: columns that are called like other numbers.
    """
    values = np.where(np.isfinite(values), values, 0)
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
    away = np.abs(values[:, kept].sum(axis=1) - 1)
    fits = away < TOLERANCE
    return kept.tolist(), float(away[fits].mean()) if len(kept) > 1 and fits.mean() > 0.5 else None


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
    free = np.array([name in some for name in table.columns])
    block = np.cumsum(~free)  # equal for columns with none of another kind between them
    blocks = {int(block[place[name]]) for name in columns if name not in zeros}
    return [
        name
        for name in columns
        if name not in zeros or (int(block[place[name]]) in blocks and headers.plain(name) not in _OTHERS)
    ]


def _values(table: Table, name: str) -> np.ndarray | None:
    try:
        return numbers_of(table.head[name], table, name, 1)
    except DataError:
        return None


def _is_whole(table: Table, name: str) -> bool:
    """Whether numbers are written without a point, as counts are."""
    values = table.head[name]
    if pa.types.is_string(values.type):
        return all(re.fullmatch(r"[+-]?[0-9]*", text.strip()) for text in values.to_pylist() if text)
    return bool(pa.types.is_integer(values.type))
