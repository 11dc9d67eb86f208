"""Rows whose scores do not tell which class is the answer: the first of equals is, and the run says so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from har_core.errors import DataError
from har_core.files import and_more
from har_core.imports.rows import Rows
from har_core.imports.tables import shown


def tell_equal_scores(rows: Rows, predicted: np.ndarray | None, names: Sequence[str], *, whole: bool) -> None:
    """Note the rows whose highest score several classes share, and those whose scores are all equal.

    Args:
        predicted: (N,) class indices, -1 where the scores tell the answer; None: they do in all rows.
        names: of the K classes.
        whole: whether these are all rows of the table.

    Raises:
        DataError: if the scores of more than half of the rows are all equal, and these have no predicted label.
    """
    scores = rows.scores
    if scores is None:
        return
    highest = scores.max(axis=1)
    untold = np.ones(len(scores), dtype=bool) if predicted is None else predicted < 0
    equal = untold & (scores.min(axis=1) == highest)
    count = int(equal.sum())
    if whole and 2 * count > len(scores):
        row = int(np.flatnonzero(equal)[0])
        raise DataError(
            f"expected scores that tell the classes apart in most rows of {rows.place}, found the same for every class in row "
            f"{rows.number(row)} ({shown(rows.samples[row])}){and_more(count - 1)}; export the predictions again, or add the predicted labels"
        )
    if count:
        rows.notes.append(
            f"rows whose scores are all equal, which count as the first class, {shown(names[0])}: {count:,}"
        )
    last = scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)
    if shared := int((untold & ~equal & (scores.argmax(axis=1) != last)).sum()):
        rows.notes.append(
            f"rows whose highest score several classes share, which count as the first of these: {shared:,}"
        )
