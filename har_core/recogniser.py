"""Model + one photo → what it shows, how sure the model is, and where it looked."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from har_core.explain import Explained, explain
from har_core.model import ModelSpec
from har_core.runs import Run
from har_core.transforms import Box, evaluation_crop, evaluation_transform

SHIPPED = "best"
"""The folder of the run that is used until somebody chooses another."""


@dataclass(frozen=True)
class Recognised:
    """A photo and what the model says of it.

    `photo`: upright, RGB.  `probabilities`: (K,) float32, sum 1, in the order of `classes`.  `maps`: (K, h, w)
    float32, raw signed class maps.  `crop`: the part of the photo that the network saw.  `input`: (3, h, w) float32, what
    it made of that part.
    """

    name: str
    photo: Image.Image
    classes: tuple[str, ...]
    probabilities: np.ndarray
    maps: np.ndarray
    crop: Box
    input: Tensor

    @property
    def ranking(self) -> list[int]:
        """Class indices, the most probable first."""
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")]

    @property
    def predicted(self) -> str:
        return self.classes[self.ranking[0]]

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return float(self.probabilities[self.ranking[0]])

    @cached_property
    def key(self) -> str:
        """Tells it apart from other photos, also from those of the same name: a camera has one name for all."""
        return hashlib.blake2b(self.input.numpy().tobytes(), digest_size=16).hexdigest()

    def shrunk(self, side: int) -> Recognised:
        """The same with a photo whose longer side has at most `side` pixels, to be kept and shown."""
        photo = self.photo.copy()
        photo.thumbnail((side, side))
        across, down = photo.width / self.photo.width, photo.height / self.photo.height
        box = Box(self.crop.left * across, self.crop.top * down, self.crop.right * across, self.crop.bottom * down)
        return replace(self, photo=photo, crop=box)


class Recogniser:
    """A model with the transform that feeds it.  Holds no state between calls: threads may share one.

    One thread of its own computes for all: each forward pass uses all cores, so who comes first is served first, and the
    memory that a pass leaves to the allocator is reused by the next one instead of being kept for every thread.
    """

    def __init__(self, model: nn.Module, spec: ModelSpec, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.model, self.spec = model.to(self.device), spec
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._transform = evaluation_transform(spec.crop_size, spec.resize)

    @classmethod
    def of(cls, run: Run, device: torch.device | None = None) -> Recogniser:
        """The recogniser of a run folder.

        Raises:
            RunError, CheckpointError: if the run has no model, or a damaged one.
        """
        return cls(*run.model(), device)

    def input(self, photo: Image.Image) -> Tensor:
        """What the network sees of an upright RGB photo: (3, crop_size, crop_size) float32, normalised."""
        return self._transform(photo)

    def explain(self, images: Tensor) -> Explained:
        """Predict inputs (B, 3, crop_size, crop_size) in 32-bit arithmetic, with the class maps of all classes."""
        return self._network.submit(explain, self.model, images.to(self.device)).result()

    def recognise(self, photo: Image.Image, name: str) -> Recognised:
        """Predict one upright RGB photo in 32-bit arithmetic, with the class maps of all classes."""
        image = self.input(photo)
        explained = self.explain(image[None])
        return Recognised(
            name,
            photo,
            self.spec.classes,
            explained.logits[0].softmax(dim=0).cpu().numpy(),
            explained.maps[0].cpu().numpy(),
            evaluation_crop(*photo.size, crop_size=self.spec.crop_size, resize=self.spec.resize),
            image,
        )


def shipped_run(root: Path) -> Run:
    """The run that the app and the command line use when none is named.

    Raises:
        RunError: if it is missing or damaged.
    """
    return Run.open(root / "assets" / "runs" / SHIPPED)
