"""Probabilities that are too low or too high throughout → one number that mends them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

LOWEST, HIGHEST = 0.05, 20.0
"""Of a temperature.  Below 1 answers become surer, above 1 less sure; the order of the classes stays."""

FEWEST = 50
"""Photos that a temperature is fitted on, at least."""

_TINY = float(np.finfo(np.float32).tiny)


def rescale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logits by a temperature: softmax(log p / T), which is softmax(z / T) whatever logits z the p came from.

    `rescale(rescale(p, t), 1 / t)` is p, but for what is too small for 32 bits.

    Args:
        probabilities: (N, K), rows sum to 1.

    Returns:
        (N, K) float32, rows sum to 1.
    """
    logits = np.log(np.maximum(probabilities, _TINY, dtype=np.float64)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def log_loss(probabilities: np.ndarray, true: np.ndarray) -> float:
    """The mean of -log of the true class's probability, in nats, lower is better.

    Args:
        probabilities: (N, K).
        true: (N,) class indices.
    """
    of_true = probabilities[np.arange(len(true)), true].astype(np.float64)
    return float(-np.log(np.maximum(of_true, _TINY)).mean())


def fit_temperature(probabilities: np.ndarray, true: np.ndarray) -> float:
    """The temperature of least log loss (Guo et al. 2017).

    Args:
        probabilities: (N, K) of photos that the model was neither trained nor is scored on.
        true: (N,) class indices.

    Returns:
        Within `LOWEST` and `HIGHEST`; 1 if that is as good, as for no photos at all.
    """
    if not len(true):
        return 1.0

    def loss(logarithm: float) -> float:
        return log_loss(rescale(probabilities, float(np.exp(logarithm))), true)

    found = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
