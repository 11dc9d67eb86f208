"""Labelled photos → those that train, those that score, and what was left out between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from har_core.config import TrainConfig
from har_core.data import LabelledPhotos, Progress, Sample, split
from har_core.soft_labels import Taught
from har_core.twins import Twins, find_twins

TUNING_FRACTION = 0.1
"""Share of each class of the training photos that scores a recipe under trial."""


@dataclass(frozen=True)
class Division:
    """`training`: first the photos with labels, then those with soft ones; `soft` (M, K) float32 are what the last M of
    them are to be given.  `scored`: others.  `twins`: the pairs for whose sake photos were left out of `training`.
    """

    training: list[Sample]
    soft: np.ndarray
    scored: list[Sample]
    twins: list[Twins]

    @property
    def labelled(self) -> int:
        """How many of the training photos have labels."""
        return len(self.training) - len(self.soft)


def divide(
    photos: LabelledPhotos, config: TrainConfig, taught: Taught | None = None, *, progress: Progress | None = None
) -> Division:
    """Divide photos as a recipe says.

    Args:
        taught: photos without labels that train too and never score.
        progress: of looking for twins.
    """
    more, chances = taught or Taught([], np.zeros((0, len(photos.classes)), np.float32))
    training, scored = split(photos.samples, fraction=config.validation_fraction, seed=config.seed)
    if config.scored == "tuning":
        training, scored = split(training, fraction=TUNING_FRACTION, seed=config.seed)
    twins = find_twins(scored, [*training, *more], progress=progress) if config.leave_out_twins else []
    left_out = {pair.other for pair in twins}
    kept = [row for row, sample in enumerate(more) if sample.name not in left_out]
    labelled = [sample for sample in training if sample.name not in left_out]
    return Division([*labelled, *(more[row] for row in kept)], chances[kept], scored, twins)
