"""What a table knows of the probabilities → those of all classes; the rest is spread evenly, and the run says so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from har_core.errors import DataError
from har_core.files import and_more
from har_core.imports.checking import required
from har_core.imports.rows import Rows
from har_core.imports.tables import shown
from har_core.imports.text_numbers import SIGNED_NOTE
from har_core.imports.values import TOLERANCE, ScoreKind, put_first, to_shares
from har_core.runs.manifest import Probabilities


def probabilities_of(
    rows: Rows, predicted: np.ndarray | None, names: Sequence[str], *, scores: ScoreKind | None, given: bool
) -> tuple[np.ndarray, Probabilities]:
    """((N, K) float32 whose rows sum to 1, how much of it is known).

    Args:
        predicted: (N,) class indices, where the table names them.
        names: of the K classes.

    Raises:
        DataError: if a value cannot be the largest probability.
    """
    if rows.scores is not None:
        return rows.scores, "all"
    if rows.top:
        return _of_top(rows, names, scores=scores, given=given)
    assert predicted is not None  # a table without scores has a column of predicted labels
    count, size = len(predicted), len(names)
    if rows.confidence is None:
        certain = np.zeros((count, size), dtype=np.float32)
        certain[np.arange(count), predicted] = 1
        return certain, "none"
    share = _shares(rows, rows.confidence, scores, f"a confidence in {rows.place}")
    low = ~(share >= 1 / size - TOLERANCE / size)
    if low.any():
        row = int(np.flatnonzero(low)[0])
        value = (
            "no confidence"
            if np.isnan(share[row])
            else f"a confidence of {share[row]:.4g}{_as_written(rows, share[row])}"
        )
        raise DataError(
            f"expected the largest of {size} probabilities, 1/{size} or more, in {rows.place}, found {value} in row {rows.number(row)} "
            f"({shown(rows.samples[row])}){and_more(low.sum() - 1)}; pass --no-confidence to leave the column out"
        )
    return _spread(share[:, None], predicted[:, None], size), "confidence"


def _shares(rows: Rows, values: np.ndarray, scores: ScoreKind | None, what: str) -> np.ndarray:
    """The values as shares of 1; that they were percentages is noted."""
    if SIGNED_NOTE in rows.notes and scores != "logits":
        scores = "probabilities"  # the signs say it, and were followed

    def told(row: int, value: float) -> str:
        return f"{value:g}{_as_written(rows, value)} in row {rows.number(row)} ({shown(rows.samples[row])})"

    share, percentages = to_shares(values, scores, what, told)
    if percentages:
        rows.notes.append("percentages were divided by 100")
    return share


def _as_written(rows: Rows, share: float) -> str:
    return f" (written as {100 * share:.4g}%)" if SIGNED_NOTE in rows.notes else ""


def _spread(share: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """(N, k) probabilities of the classes (N, k), and the rest of each row for the others alike."""
    known = np.zeros((len(share), size), dtype=bool)
    rows = np.arange(len(share))[:, None]
    real = np.where(places >= 0, places, places.max(axis=1, keepdims=True))
    known[rows, real] = True
    rest = np.maximum(1 - np.where(places >= 0, share, 0).sum(axis=1), 0) / np.maximum(size - known.sum(axis=1), 1)
    probabilities = np.where(known, np.float32(0), rest[:, None].astype(np.float32))
    for rank in range(places.shape[1]):
        has = np.flatnonzero(places[:, rank] >= 0)
        probabilities[has, places[has, rank]] = share[has, rank]
    put_first(probabilities, real[np.arange(len(real)), np.where(places >= 0, share, -1).argmax(axis=1)])
    return np.asarray(probabilities, dtype=np.float32)


def _of_top(
    rows: Rows, names: Sequence[str], *, scores: ScoreKind | None, given: bool
) -> tuple[np.ndarray, Probabilities]:
    size = len(names)
    values = np.stack([value for _, value in rows.top], axis=1)
    places = np.stack([required(labels, names, rows, given=given, empty=True) for labels, _ in rows.top], axis=1)
    share = _shares(rows, values, scores, f"probabilities in {rows.place}")

    def refuse(bad: np.ndarray, expected: str, found: str) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"expected {expected} in {rows.place}, found {found} in row {rows.number(row)} ({shown(rows.samples[row])})"
                f"{and_more(bad.sum() - 1)}; export the predictions again"
            )

    refuse(
        (np.isnan(share) != (places < 0)).any(axis=1) | (places < 0).all(axis=1),
        "a class and a probability of each rank",
        "one alone",
    )
    ordered = np.sort(places, axis=1)
    refuse(
        ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1),
        "different classes in a row",
        "one twice",
    )
    total = np.nansum(share, axis=1)
    refuse(total > 1 + TOLERANCE, "probabilities that sum to 1 at most", "more")
    of = np.maximum(total, 1)  # rounded values may be a little more
    share = np.nan_to_num(share) / of[:, None]
    ranks = (places >= 0).sum(axis=1)
    whole = ranks == size
    refuse(whole & (total < 1 - TOLERANCE), "probabilities that sum to 1 where all classes have one", "less")
    share = np.where(whole[:, None], share / np.maximum(np.where(whole, share.sum(axis=1), 1), 1e-9)[:, None], share)
    best = share.max(axis=1)
    even = np.maximum(1 - share.sum(axis=1), 0) / np.maximum(size - ranks, 1)
    refuse(
        even > best + TOLERANCE / size,
        f"the most probable of {size} classes",
        "less than is left for each of the others",
    )
    return _spread(share, places, size), "all" if whole.all() else "top" if places.shape[1] > 1 else "confidence"
