"""What a model says of one photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image
from torch import Tensor

from har_core.errors import ImageError
from har_core.media.geometry import Box


@dataclass(frozen=True)
class Prediction:
    """A photo and what the model says of it.  K classes, D features.

    `known`: how much the photo is like those of the known classes, higher is more (see `analysis.unknown`).

    `photo`: upright, RGB.  `probabilities`: (K,) float32, sum 1, in the order of `classes`.  `class_maps`: (K, h, w)
    float32, raw and signed, over the part of the photo that the network saw: `crop`, in the photo's pixels.  `embedding`:
    (D,) float32, pooled features.  `input`: (3, H, W) float32, that part resized and normalized.  `nearer`: the part that
    was looked at once more from nearer, if any.
    """

    name: str
    photo: Image.Image
    classes: tuple[str, ...]
    probabilities: np.ndarray
    class_maps: np.ndarray
    embedding: np.ndarray
    crop: Box
    input: Tensor
    nearer: Box | None = None
    known: float = np.inf

    @property
    def ranking(self) -> list[int]:
        """Class indices, the most probable first."""
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")]

    @property
    def predicted(self) -> str:
        return self.classes[self.ranking[0]]

    @property
    def confidence(self) -> float:
        """The probability of the predicted class, in [0, 1]."""
        return float(self.probabilities[self.ranking[0]])

    @cached_property
    def key(self) -> str:
        """A digest of the input, which tells photos of the same name apart: a camera has one name for all of its photos."""
        return hashlib.blake2b(self.input.numpy().tobytes(), digest_size=16).hexdigest()

    def shrunk(self, side: int) -> Prediction:
        """The same with a photo whose longer side has at most `side` pixels."""
        small = self.photo.copy()
        small.thumbnail((side, side))
        by = small.width / self.photo.width, small.height / self.photo.height
        nearer = self.nearer.scaled(*by) if self.nearer is not None else None
        return replace(self, photo=small, crop=self.crop.scaled(*by), nearer=nearer)


Outcome = Prediction | ImageError | OSError
"""A prediction, or why the photo could not be read."""
