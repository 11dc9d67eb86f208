"""Logits → whether a photo shows none of the known classes.

The energy score (Liu et al. 2020) was the best of maximum softmax probability, maximum logit, energy, nearest neighbors and ViM
when classes of this data set were left out: docs/trust.md has the figures and says where it fails.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

KEPT = 0.95
"""Share of photos of known classes that are taken for such."""

FEWEST = 20
"""Photos of known classes that a threshold is taken from, at least: of fewer, none may be below the last twentieth."""


def known_score(logits: np.ndarray) -> np.ndarray:
    """log Σ exp z, minus the energy: higher is more like a known class.

    Args:
        logits: (N, K), not divided by a temperature.

    Returns:
        (N,) float64.
    """
    return np.asarray(logsumexp(np.asarray(logits, dtype=np.float64), axis=1))


def least_known(scores: np.ndarray, *, kept: float = KEPT) -> float | None:
    """The score that a share `kept` of photos of known classes reaches; None if there are fewer than `FEWEST`.

    Args:
        scores: (N,) of photos that the model did not learn from.
    """
    finite = scores[np.isfinite(scores)]
    return float(np.quantile(finite, 1 - kept)) if len(finite) >= FEWEST else None
