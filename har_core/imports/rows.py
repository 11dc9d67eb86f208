"""What a table says, row by row, before it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

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
        """Some of the rows of a whole table.

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
            numbers=kept,
        )
