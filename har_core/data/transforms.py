"""Photo → network input, defined once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import cast

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from har_core.media.geometry import Box, center_crop_box

__all__ = ["MEAN", "STD", "Box", "Transform", "center_crop_box", "eval_transform", "seeded", "train_transform"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation per RGB channel, for values in [0, 1]."""

Transform = Callable[[Image.Image], Tensor]
"""An RGB photo → float32 tensor (3, crop_size, crop_size), normalized."""


def train_transform(crop_size: int, min_crop_scale: float) -> Transform:
    """A random crop (from `min_crop_scale` to all of the area, aspect 3:4 to 4:3), flipped in half of the cases."""
    crop = v2.RandomResizedCrop(crop_size, scale=(min_crop_scale, 1.0), antialias=True)
    return _then_tensor(crop, v2.RandomHorizontalFlip())


def eval_transform(crop_size: int, resize: int) -> Transform:
    """The shorter side to `resize` pixels, then the center square of `crop_size` pixels."""
    return _then_tensor(v2.Resize(resize, antialias=True), v2.CenterCrop(crop_size))


def _then_tensor(*geometry: v2.Transform) -> Transform:
    steps = [*geometry, v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return cast(Transform, v2.Compose(steps))


def seeded(transform: Transform, photo: Image.Image, *key: object) -> Tensor:
    """Apply a random transform so that its outcome depends on `key` alone.

    The augmentation of a photo is then the same whichever worker process draws it and wherever an interrupted
    training is taken up again.
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(digest, "big") >> 1)
        return transform(photo)
