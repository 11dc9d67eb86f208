"""Photo → network input, defined once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from har_core.media.geometry import Box, center_crop_box
from har_core.runs.manifest import Fit

__all__ = [
    "IMAGENET",
    "MEAN",
    "STD",
    "Box",
    "Fit",
    "Interpolation",
    "Preprocessing",
    "Transform",
    "center_crop_box",
    "eval_transform",
    "seeded",
    "to_tensor",
    "train_transform",
]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation per RGB channel, for values in [0, 1]."""

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True)
class Preprocessing:
    """How a photo's pixels become numbers: resized with `interpolation`, then (value - mean) / std per RGB channel, of values in
    [0, 1].  `fit`: whether that is by the shorter side, or to a square without the photo's aspect (see `eval_transform`).
    `crop_down`: whether half of an odd margin is rounded down, as transformers does, or to even, as torchvision.
    """

    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    interpolation: Interpolation = "bilinear"
    fit: Fit = "crop"
    crop_down: bool = False


IMAGENET = Preprocessing()

Transform = Callable[[Image.Image], Tensor]
"""An RGB photo → float32 tensor (3, crop_size, crop_size), normalized."""


AUGMENTATIONS: dict[str, type[v2.Transform]] = {
    "randaugment": v2.RandAugment,
    "trivialaugment": v2.TrivialAugmentWide,
    "augmix": v2.AugMix,
}
"""Of torchvision, with its defaults, by name."""


def train_transform(
    crop_size: int,
    min_crop_scale: float,
    *,
    augmentation: str = "none",
    zoom_out: float = 0.0,
    random_erasing: float = 0.0,
    preprocessing: Preprocessing = IMAGENET,
) -> Transform:
    """A random crop (from `min_crop_scale` to all of the area, aspect 3:4 to 4:3), flipped in half of the cases.

    Args:
        augmentation: "none", or one of `AUGMENTATIONS`, of the crop.
        zoom_out: probability that a photo is first shrunk to between a half and all of its sides, on the mean color.
        random_erasing: probability that a rectangle of the crop becomes gray (Zhong et al., 2020).
    """
    steps: list[v2.Transform] = [
        v2.RandomResizedCrop(
            crop_size, scale=(min_crop_scale, 1.0), interpolation=_mode(preprocessing), antialias=True
        ),
        v2.RandomHorizontalFlip(),
    ]
    if zoom_out:
        fill = [round(255 * mean) for mean in preprocessing.mean]
        steps.insert(0, v2.RandomZoomOut(fill=fill, side_range=(1.0, 2.0), p=zoom_out))
    if augmentation != "none":
        steps.append(AUGMENTATIONS[augmentation]())
    erase = [v2.RandomErasing(p=random_erasing)] if random_erasing else []
    return _then_tensor(preprocessing, *steps, after=erase)


def eval_transform(crop_size: int, resize: int, preprocessing: Preprocessing = IMAGENET) -> Transform:
    """The shorter side to `resize` pixels (or both, if the photo is squashed), then the center square of `crop_size` pixels."""
    side = (resize, resize) if preprocessing.fit == "squash" else resize
    smaller = v2.Resize(side, interpolation=_mode(preprocessing), antialias=True)
    crop = v2.Lambda(partial(_crop_down, crop_size)) if preprocessing.crop_down else v2.CenterCrop(crop_size)
    return _then_tensor(preprocessing, smaller, crop)


def _crop_down(size: int, photo: Image.Image) -> Image.Image:
    left, top = (photo.width - size) // 2, (photo.height - size) // 2
    return photo.crop((left, top, left + size, top + size))


def to_tensor(photo: Image.Image, preprocessing: Preprocessing = IMAGENET) -> Tensor:
    """An RGB photo as it is → (3, height, width) float32, normalized."""
    return _then_tensor(preprocessing)(photo)


def resized(photo: Image.Image, size: tuple[int, int], preprocessing: Preprocessing = IMAGENET) -> Image.Image:
    """An RGB photo at another width and height, in pixels."""
    return photo.resize(size, Image.Resampling[preprocessing.interpolation.upper()])


def _then_tensor(preprocessing: Preprocessing, *before: v2.Transform, after: Sequence[v2.Transform] = ()) -> Transform:
    normalize = v2.Normalize(preprocessing.mean, preprocessing.std)
    steps = [*before, v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), normalize, *after]
    return cast(Transform, v2.Compose(steps))


def _mode(preprocessing: Preprocessing) -> InterpolationMode:
    return InterpolationMode(preprocessing.interpolation)


def seeded(transform: Transform, photo: Image.Image, *key: object) -> Tensor:
    """Apply a random transform so that its outcome depends on `key` alone.

    The augmentation of a photo is then the same whichever worker process draws it and wherever an interrupted
    training is taken up again.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(*key))
        return transform(photo)


def seed_of(*key: object) -> int:
    """A seed that depends on `key` alone, below 2**63."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "big") >> 1
