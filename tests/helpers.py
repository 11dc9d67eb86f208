"""What several test packages make their data with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from har_core.runs.manifest import Probabilities
from har_core.runs.predictions import Predictions


def random_predictions(
    count: int = 40, classes: tuple[str, ...] = ("blue", "green", "red"), seed: int = 0
) -> Predictions:
    """Photos Image_0.jpg, Image_1.jpg, …, with labels and probabilities drawn at random."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(len(classes)), count).astype(np.float32)
    names = np.array([f"Image_{n}.jpg" for n in range(count)], dtype=object)
    return Predictions(classes, names, random.integers(0, len(classes), count), probabilities)


def filled_in(predictions: Predictions, kind: Probabilities, *, top: int = 4) -> Predictions:
    """The same as a run holds them of which no more is known, as the manifest says of `Probabilities`."""
    size = len(predictions.classes)
    kept = {"all": size, "top": min(top, size), "confidence": 1, "none": 1}[kind]
    order = np.argsort(-predictions.probabilities, axis=1, kind="stable")
    if kind == "none":
        return replace(predictions, probabilities=np.eye(size, dtype=np.float32)[order[:, 0]])
    known = np.take_along_axis(predictions.probabilities, order[:, :kept], axis=1).astype(np.float64)
    rest = (1 - known.sum(axis=1, keepdims=True)).clip(0) / max(1, size - kept)
    probabilities = np.repeat(rest, size, axis=1)
    np.put_along_axis(probabilities, order[:, :kept], known, axis=1)
    return replace(predictions, probabilities=probabilities.astype(np.float32))
