"""What a table says, row by row, before it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from har_core.imports.labels import Labels


@dataclass
class Rows:
    """What a table says, N rows in its order.

    `scores`: (N, K) float32 probabilities, NaN in rows that have none.  `confidence`: (N,) float64.  `top`: (labels, (N,) float64)
    of the k most probable classes.  `numbers`: (N,) int64, which rows of the table these are, from 0; None: all of them.
    """

    place: str
    samples: list[str]
    true: Labels
    predicted: Labels | None = None
    scores: np.ndarray | None = None
    confidence: np.ndarray | None = None
    top: list[tuple[Labels, np.ndarray]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    numbers: np.ndarray | None = None

    def number(self, row: int) -> str:
        """The number of a row in the table, from 1, for people."""
        return f"{(row if self.numbers is None else int(self.numbers[row])) + 1:,}"

    def only(self, kept: np.ndarray) -> Rows:
        """Some of the rows.

        Args:
            kept: (M,) int64, which.
        """
        return replace(
            self,
            samples=[self.samples[row] for row in kept.tolist()],
            true=self.true.only(kept),
            predicted=None if self.predicted is None else self.predicted.only(kept),
            scores=None if self.scores is None else self.scores[kept],
            confidence=None if self.confidence is None else self.confidence[kept],
            top=[(labels.only(kept), values[kept]) for labels, values in self.top],
            numbers=kept if self.numbers is None else self.numbers[kept],
        )


def without_copies(rows: Rows) -> Rows:
    """The rows but for those that repeat an earlier one in all that is read of them, as tables do that were joined; noted."""
    codes, _ = pd.factorize(np.asarray(rows.samples, dtype=object))
    _, first = np.unique(codes, return_index=True)
    earlier = first[codes]
    places = np.flatnonzero(earlier != np.arange(len(codes)))
    if not len(places):
        return rows
    columns = [rows.true.codes, *(labels.codes for labels, _ in rows.top), *(values for _, values in rows.top)]
    columns += [column for column in (rows.scores, rows.confidence) if column is not None]
    columns += [rows.predicted.codes] if rows.predicted is not None else []
    alike = np.ones(len(places), dtype=bool)
    for column in columns:
        same = np.isclose(column[places], column[earlier[places]], rtol=0, atol=0, equal_nan=True)
        alike &= same.all(axis=1) if same.ndim > 1 else same
    copies = places[alike]
    if len(copies):
        rows = rows.only(np.delete(np.arange(len(codes)), copies))
        rows.notes.append(f"rows that repeat an earlier one, left out: {len(copies):,}")
    return rows
