"""Scores that stand in falling order beside the class of each, whatever their columns are called; told by content alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from har_core.errors import DataError
from har_core.imports.tables import Table, numbers_of, shown, texts_of
from har_core.imports.values import TOLERANCE
from har_core.runs.class_names import class_key

_ROWS, _CLASSES = 8, 3  # so many rows of so many scores fall in order by no chance
_VARIED = 0.4  # how far the largest scores of sorted ones lie apart, as a part of all their range
_MOST_CLASSES = 1000


@dataclass(frozen=True)
class _Family:
    """Columns that differ in a number alone: `values`: (R, k) float64, None if they hold words; `texts`: (R, k) of their cells."""

    columns: tuple[str, ...]
    values: np.ndarray | None
    texts: np.ndarray


def ranked_pairs(table: Table, used: Collection[str]) -> tuple[tuple[str, str], ...]:
    """(column of a class, column of its score), the first first; empty if the table has none.

    Scores that rise or fall in every row are of the classes beside them, if there is as long a list of different classes in each
    row: names that are labels elsewhere, or numbers.  So are scores in another order, if the list is not the order of the scores.

    Raises:
        DataError: if several lists may be meant.
    """
    families = _families(table, used)
    lists = [one for one in families if _holds_classes(one, table, families)]
    found: list[tuple[_Family, _Family]] = []
    for labels in lists:
        for scores in families:
            if scores is labels or len(scores.columns) != len(labels.columns) or scores.values is None:
                continue
            if _are_scores(scores.values) and _belong(labels, scores.values):
                found.append((labels, scores))
    if not found:
        return ()
    words = [pair for pair in found if pair[0].values is None]
    found = words or found
    shares = [pair for pair in found if _are_shares(pair[1].values)]
    found = shares or found
    if len(found) > 1:
        (one, first), (other, second) = found[:2]
        raise DataError(
            f"expected one list of classes with one of scores in {table.place}, found {shown(one.columns[0], 24)} with "
            f"{shown(first.columns[0], 24)} and {shown(other.columns[0], 24)} with {shown(second.columns[0], 24)}; keep one of them"
        )
    labels, scores = found[0]
    assert scores.values is not None
    pairs = tuple(zip(labels.columns, scores.columns, strict=True))
    return pairs if _fall(scores.values) else pairs[::-1] if _fall(-scores.values) else pairs


def require_classes(table: Table, columns: Sequence[str]) -> None:
    """Stop if scores fall, or rise, from the first column to the last in each of many rows: they cannot be one a class.

    Those of a network that predicts one class always differ little from row to row.

    Raises:
        DataError: if they do.
    """
    if len(columns) < _CLASSES:
        return
    try:
        values = np.stack([numbers_of(table.head[name], table, name, 1) for name in columns], axis=1)
    except DataError:
        return
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < _ROWS or not (_fall(values) or _fall(-values)):
        return
    first = values.max(axis=1)
    if first.max() - first.min() > _VARIED * (first.max() - values.min()):
        raise DataError(
            f"expected one score a class in {table.place}, found scores that are sorted in every row ({shown(columns[0], 24)} to "
            f"{shown(columns[-1], 24)}); export them in the order of the classes, or a list with the class of each beside them"
        )


def _families(table: Table, used: Collection[str]) -> list[_Family]:
    by_stem: dict[str, dict[int, str]] = defaultdict(dict)
    for name in table.columns:
        numbers = re.findall(r"\d+", name)
        if name not in used and len(numbers) == 1 and len(numbers[0]) <= 4:
            by_stem[re.sub(r"\d+", "#", name)][int(numbers[0])] = name
    found = []
    for ranks in by_stem.values():
        if len(ranks) > 1 and max(ranks) - min(ranks) == len(ranks) - 1 and min(ranks) in (0, 1):
            columns = tuple(ranks[rank] for rank in sorted(ranks))
            texts = np.array(
                [texts_of(table.head[name], guarded=table.guarded).to_pylist() for name in columns], dtype=object
            ).T
            found.append(_Family(columns, _numbers(table, columns), texts))
    return found


def _numbers(table: Table, columns: Sequence[str]) -> np.ndarray | None:
    try:
        return np.stack([numbers_of(table.head[name], table, name, 1) for name in columns], axis=1)
    except DataError:
        return None


def _holds_classes(family: _Family, table: Table, families: Sequence[_Family]) -> bool:
    """Whether there are different classes in each row: the same in all, or some that are labels elsewhere, or small numbers."""
    rows = [[cell for cell in row if cell] for row in family.texts.tolist()]
    rows = [row for row in rows if row]
    if not rows or any(len(set(row)) < len(row) for row in rows):
        return False
    numbers = family.values
    if numbers is not None:
        known = numbers[np.isfinite(numbers)]
        return bool((known == np.round(known)).all() and known.min() >= 0 and known.max() < _MOST_CLASSES)
    words = {class_key(cell) for row in rows for cell in row}
    if len(words) == len(family.columns):
        return True
    columns = {name for one in families for name in one.columns}
    for name in table.columns:
        if name not in columns:
            labels = {class_key(text) for text in texts_of(table.head[name], guarded=table.guarded).to_pylist() if text}
            if labels and len(labels & words) > len(labels) / 2:
                return True
    return False


def _are_scores(values: np.ndarray) -> bool:
    """Whether numbers (R, k) can be scores in some order: not all whole, or not all different, as places are."""
    known = values[np.isfinite(values)]
    return bool(len(known) and ((known != np.round(known)).any() or known.max() > values.shape[1]))


def _are_shares(values: np.ndarray | None) -> bool:
    if values is None:
        return False
    sums = np.nansum(values, axis=1)
    return bool(
        np.nanmin(values) >= 0
        and ((sums <= 1 + TOLERANCE).all() or ((sums <= 100 * (1 + TOLERANCE)).all() and (sums > 2).all()))
    )


def _fall(values: np.ndarray) -> bool:
    """Whether (R, k) values fall from left to right in every row, up to the last that it has, and are not equal in all rows."""
    steps = np.diff(values, axis=1)
    falls = bool((~(steps > 0)).all() and (steps < 0).any())
    gaps = np.isnan(values)
    return falls and bool((gaps[:, :-1] <= gaps[:, 1:]).all() or (gaps[:, :-1] >= gaps[:, 1:]).all())


def _belong(labels: _Family, scores: np.ndarray) -> bool:
    """Whether the classes of a row are those of its scores, in their order, and not a ranking beside one score a class."""
    is_sorted = _fall(scores) or _fall(-scores)
    rows = np.isfinite(scores).all(axis=1)
    size = scores.shape[1]
    if labels.values is not None:
        full = rows & np.isfinite(labels.values).all(axis=1)
        places = labels.values[full].astype(np.int64)
        ordered = np.sort(places, axis=1)
        start = 0 if (ordered == np.arange(size)).all() else 1 if (ordered == np.arange(1, size + 1)).all() else None
        if start is None or not len(places):
            return is_sorted and _are_shares(scores)
        if is_sorted:
            return True
        inverse = np.argsort(places, axis=1)
        rankings = (np.take_along_axis(scores[full], order, 1) for order in (places - start, inverse))
        return not any(_fall(one) or _fall(-one) for one in rankings)
    if is_sorted:
        return True
    firsts = {
        (int(place), class_key(name))
        for place, name in zip(scores[rows].argmax(axis=1), labels.texts[rows][:, 0], strict=True)
    }
    is_ranking = len({place for place, _ in firsts}) == len({name for _, name in firsts}) == len(firsts)
    return not is_ranking and {class_key(one) for one in labels.texts.ravel()} != {""}
