"""What several test packages make their data with."""

from __future__ import annotations

import numpy as np

from har_core.runs.predictions import Predictions


def random_predictions(
    count: int = 40, classes: tuple[str, ...] = ("blue", "green", "red"), seed: int = 0
) -> Predictions:
    """Photos Image_0.jpg, Image_1.jpg, …, with labels and probabilities drawn at random."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(len(classes)), count).astype(np.float32)
    names = np.array([f"Image_{n}.jpg" for n in range(count)], dtype=object)
    return Predictions(classes, names, random.integers(0, len(classes), count), probabilities)
