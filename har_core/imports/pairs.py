"""A class and its score as the whole prediction of a row, as [3, 0.9], which look like the scores of two classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from har_core.errors import DataError
from har_core.imports import headers
from har_core.imports.tables import Table, numbers_of, shown
from har_core.imports.values import TOLERANCE

_EXACT = 1e-6
_MOST_CLASSES = 1000


def pair_of(table: Table, columns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """((column of the class, column of its score),) of two columns of numbers; empty if they are scores of two classes.

    A class is always a whole number, its score rarely.  Of scores of two classes one is always whole only where rows sum to 1, as of
    a network that is always certain, or where the logit of the first class is 0.

    Raises:
        DataError: if that is not certain, as it is by shares of 1 in columns that are called like predicted labels.
    """
    if headers.says_logits(columns[0]):
        return ()
    try:
        values = np.stack([numbers_of(table.head[name], table, name, 1) for name in columns], axis=1)
    except DataError:
        return ()
    values = values[np.isfinite(values).all(axis=1)]
    if not len(values):
        return ()
    whole = (values == np.round(values)).all(axis=0) & (values.min(axis=0) >= 0) & (values.max(axis=0) < _MOST_CLASSES)
    if whole.sum() != 1:
        return ()
    label = int(whole.argmax())
    score, is_zero = values[:, 1 - label], not values[:, label].any()
    are_shares = bool(score.min() >= 0 and score.max() <= 1)
    if (np.abs(values.sum(axis=1) - 1) <= TOLERANCE).all() and not (is_zero and score.min() < 1 - _EXACT):
        return ()
    if is_zero and not are_shares:
        return ()
    found = headers.prefixed(columns[0])
    if are_shares and found is not None and headers.plain(found.prefix) in headers.PREDICTED:
        return ((columns[label], columns[1 - label]),)
    example = ", ".join(f"{one:g}" for one in values[0])
    raise DataError(
        f"expected one score a class in {table.place}, found two numbers of which one is always whole ({example} in "
        f"{shown(columns[0], 24)} and {shown(columns[1], 24)}), as of a class and its score; call them predicted and confidence if they "
        "are these, or prob_CLASS and logit_CLASS if they are of two classes"
    )
