"""The parts of a photo that a model looks at, and what it takes from all of them together.

`center`: the evaluation crop.  `whole`: the whole photo at about the same scale.  `evidence`: nearer, where the views before
found their evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from har_core.cam.placing import GRID, place
from har_core.data.transforms import (
    IMAGENET,
    Preprocessing,
    center_crop_box,
    eval_transform,
    resized,
    to_tensor,
)
from har_core.media.geometry import Box, whole_photo
from har_core.models.spec import ModelSpec

_STRIDE = 32  # pixels between two positions of the last stage
_AREA = 1.45  # of a look at any part of a photo, in areas of the crop, at most: that of 3:2
_LONGEST = 3.0  # times as long as wide: a look at a longer part is squeezed to this shape
_STRONG = 0.35  # of the strongest evidence: what the nearer look shows has more
_NEAREST, _FARTHEST = 0.5, 0.85  # its side, in sides of the evaluation crop
_SMALLER = 6 / 7  # its input, in sides of the crop: as good as the full size on the dev set, for a quarter less
_KEPT = 2.5  # times `resize`: the shorter side of a photo that is kept for the nearer look


@dataclass(frozen=True)
class Look:
    """A part of a photo, in its pixels, and the network's input made of it: (3, H, W) float32, normalized."""

    box: Box
    image: Tensor


@dataclass(frozen=True)
class Found:
    """What a network says of a look: `logits` (K,), `class_maps` (K, h, w) signed, `embedding` (D,); float32."""

    logits: np.ndarray
    class_maps: np.ndarray
    embedding: np.ndarray


def first_looks(photo: Image.Image, spec: ModelSpec, box: Box | None = None) -> list[Look]:
    """The looks that need nothing but the photo: at `box` alone if it is given, else those of the model's views.

    The last of them covers all the others.
    """
    if box is not None:
        return [look_at(photo, box, spec.crop_size, spec.preprocessing, own_shape=spec.any_size)]
    looks = []
    if "center" in spec.views or "whole" not in spec.views:  # the nearer look needs one that finds the evidence
        fit = spec.preprocessing.fit
        crop = center_crop_box(*photo.size, crop_size=spec.crop_size, resize=spec.resize, fit=fit)
        looks.append(Look(crop, eval_transform(spec.crop_size, spec.resize, spec.preprocessing)(photo)))
    if "whole" in spec.views:
        looks.append(look_at(photo, whole_photo(*photo.size), spec.crop_size, spec.preprocessing))
    return looks


def look_at(
    photo: Image.Image,
    box: Box,
    crop_size: int,
    preprocessing: Preprocessing = IMAGENET,
    *,
    own_shape: bool = True,
) -> Look:
    """Any part of a photo, resized to about the area of a crop of that size in pixels, in the part's own shape.

    Args:
        own_shape: false for a network that takes nothing but the square: then the part is squashed.
    """
    width, height = input_size(box.width, box.height, crop_size) if own_shape else (crop_size, crop_size)
    left, top = min(int(max(0.0, box.left)), photo.width - 1), min(int(max(0.0, box.top)), photo.height - 1)
    right, bottom = (
        max(left + 1, round(min(photo.width, box.right))),
        max(top + 1, round(min(photo.height, box.bottom))),
    )
    part = photo.crop((left, top, right, bottom))  # first: resizing a box of the photo would let in what is around it
    return Look(box, to_tensor(resized(part, (width, height), preprocessing), preprocessing))


def input_size(width: float, height: float, crop_size: int) -> tuple[int, int]:
    """Width and height of the network's input for a part of a photo: multiples of 32 pixels, in about its shape.

    The shorter side is that of the crop, or as much less as keeps the area within `_AREA`.
    """
    ratio = min(max(width, height) / min(width, height), _LONGEST)
    for cells in range(max(1, round(crop_size / _STRIDE)), 0, -1):
        shorter, longer = cells * _STRIDE, round(cells * ratio) * _STRIDE
        if shorter * longer <= _AREA * crop_size**2:
            break
    return (longer, shorter) if width >= height else (shorter, longer)


def kept_for_nearer_look(photo: Image.Image, spec: ModelSpec) -> Image.Image:
    """The photo, or a smaller one that the nearer look can be taken from as well."""
    factor = _KEPT * spec.resize / min(photo.size)
    if factor >= 1:
        return photo
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), Image.Resampling.BILINEAR)


def nearer_look(
    kept: Image.Image, size: tuple[int, int], found: Sequence[Found], looks: Sequence[Look], spec: ModelSpec
) -> Look:
    """The look of the view `evidence`.

    Args:
        kept: the photo, or a smaller one (see `kept_for_nearer_look`).
        size: of the photo, in whose pixels all boxes are.
        found: in the looks of `first_looks`.
    """
    box = evidence_box(found, looks, size, spec)
    part = box.scaled(kept.width / size[0], kept.height / size[1])
    return Look(box, look_at(kept, part, round(_SMALLER * spec.crop_size), spec.preprocessing).image)


def evidence_box(found: Sequence[Found], looks: Sequence[Look], size: tuple[int, int], spec: ModelSpec) -> Box:
    """A square around the strongest evidence for what the looks found, within the last of them.

    Args:
        size: of the photo, in pixels.
    """
    region = looks[-1].box
    probabilities = softmax(np.mean([one.logits for one in found], axis=0))
    maps = place([one.class_maps for one in found], [look.box for look in looks], region)
    evidence = np.tensordot(probabilities, np.maximum(maps, 0), axes=1)
    rows, columns = np.nonzero(evidence >= _STRONG * evidence.max())
    across, down = region.width / GRID, region.height / GRID
    left, right = region.left + columns.min() * across, region.left + (columns.max() + 1) * across
    top, bottom = region.top + rows.min() * down, region.top + (rows.max() + 1) * down
    crop = min(size) * spec.crop_size / spec.resize
    side = min(max(right - left, bottom - top, _NEAREST * crop), _FARTHEST * crop)
    middle = (left + right) / 2, (top + bottom) / 2
    return Box(middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2).within(region)


def combine(found: Sequence[Found], looks: Sequence[Look], region: Box) -> Found:
    """The mean of what the looks found; the maps, (K, GRID, GRID), cover the region."""
    return Found(
        np.mean([one.logits for one in found], axis=0),
        place([one.class_maps for one in found], [look.box for look in looks], region),
        np.mean([one.embedding for one in found], axis=0),
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(torch.from_numpy(logits).softmax(dim=0))
