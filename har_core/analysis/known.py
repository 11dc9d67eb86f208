"""How much a run says of its probabilities → which figures, orders and filters can be told from its predictions.

Predictions that come from elsewhere may lack the probabilities of some classes, which are stored as the manifest's
`Probabilities` say.  Who shows or computes with a probability asks here whether it is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions

_ROWS = 50_000  # at a time: bounds the memory for a million photos of 100 classes
_NEXT_TO_NOTHING = 1e-3  # what rounding to three decimals leaves for all classes that a row does not list


@dataclass(frozen=True)
class Known:
    """What is known of the probabilities of predictions of K classes.

    `confidence`: whether that of the predicted class is.  `ranks`: how many of the likeliest classes are known, in their
    order, for every photo; K if all are, 1 if only the predicted one is.  `every_class`: whether each probability is.
    """

    kind: Probabilities
    ranks: int
    confidence: bool
    every_class: bool

    @property
    def margin(self) -> bool:
        """Whether it is known how far the predicted class is ahead of the second."""
        return self.confidence and self.ranks >= 2

    def mask(self, probabilities: np.ndarray) -> np.ndarray:
        """(N, K) bool: which probabilities are known rather than filled in.

        Args:
            probabilities: (N, K), as they are stored.
        """
        if self.every_class or self.kind in ("all", "none"):
            return np.full(probabilities.shape, self.every_class)
        if self.kind == "top":
            return _listed(probabilities)
        found = np.zeros(probabilities.shape, dtype=bool)
        found[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
        return found


EVERYTHING = Known("all", 10**9, confidence=True, every_class=True)
"""Of predictions by a model at hand, of however many classes."""


def what_is_known(kind: Probabilities, predictions: Predictions) -> Known:
    """Of a run's predictions.  Of two classes, the probability of one gives the other's."""
    size = len(predictions.classes)
    if kind == "all" or (size <= 2 and kind != "none"):
        return Known(kind, size, confidence=True, every_class=True)
    if kind != "top":
        return Known(kind, size if size <= 2 else 1, confidence=kind == "confidence", every_class=False)
    fewest, most = size, 1
    for start in range(0, len(predictions), _ROWS):
        probabilities = predictions.probabilities[start : start + _ROWS]
        listed = _listed(probabilities)
        number, rest = listed.sum(axis=1), np.where(listed, 0, probabilities).sum(axis=1)
        most = max(most, int(number.max()))
        fewest = min(fewest, int(number[rest >= _NEXT_TO_NOTHING].min(initial=size)))
        if not listed.all() and fewest == size:
            fewest = size - 1  # something is filled in, be it next to nothing
    ranks = min(fewest, most)
    return Known(kind, ranks, confidence=True, every_class=ranks == size)


def _listed(probabilities: np.ndarray) -> np.ndarray:
    """(N, K) bool: what stands above the even spread over the classes that a table of the top few does not name."""
    found = np.asarray(probabilities > probabilities.min(axis=1, keepdims=True))
    found[np.arange(len(found)), probabilities.argmax(axis=1)] = True
    found[found.sum(axis=1) >= probabilities.shape[1] - 1] = True  # what is left belongs to one class
    return found
