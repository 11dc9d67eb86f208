"""Photos as they come from elsewhere: people smaller, larger or off the center, other shapes, and what a phone damages.

The five corruptions are those of Hendrycks and Dietterich (2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ImageNet-C) that a phone makes, at their severities 1, 3 and 5, applied to a photo whose
shorter side has 256 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Shift = Callable[[Image.Image], Image.Image]
"""An upright RGB photo → another one."""

_SIDE = 256
_BLUR = {1: 1.0, 3: 3.0, 5: 6.0}  # standard deviation in pixels
_NOISE = {1: 0.08, 3: 0.18, 5: 0.38}  # standard deviation, of values in [0, 1]
_JPEG = {1: 25, 3: 15, 5: 7}  # quality
_BRIGHTNESS = {1: 0.1, 3: 0.3, 5: 0.5}  # added to the value of HSV
_CONTRAST = {1: 0.4, 3: 0.2, 5: 0.05}


def smaller(
    photo: Image.Image, share: float, *, mirrored: bool = False, place: tuple[float, float] = (0.5, 0.5)
) -> Image.Image:
    """The photo shrunk to a share of its sides, on its own blurred or mirrored surroundings.

    Args:
        place: where it lies in what room there is, from the left and from the top, in [0, 1].
    """
    size = (max(1, round(photo.width * share)), max(1, round(photo.height * share)))
    left, top = (round((whole - part) * at) for whole, part, at in zip(photo.size, size, place, strict=True))
    small = photo.resize(size, Image.Resampling.LANCZOS)
    if mirrored:
        rows, columns = (_reflected(part, whole, start) for part, whole, start in
                         ((size[1], photo.height, top), (size[0], photo.width, left)))  # fmt: skip
        return Image.fromarray(np.asarray(small)[rows[:, None], columns])
    ground = photo.filter(ImageFilter.GaussianBlur(max(photo.size) / 16))
    ground.paste(small, (left, top))
    return ground


def larger(photo: Image.Image, factor: float) -> Image.Image:
    """The middle of the photo, as a camera shows it from nearer."""
    return ImageOps.fit(photo, (max(1, round(photo.width / factor)), max(1, round(photo.height / factor))))


def aspect(photo: Image.Image, ratio: float) -> Image.Image:
    """As much of the middle of the photo as has that ratio of width and height."""
    width = min(photo.width, round(photo.height * ratio))
    return ImageOps.fit(photo, (max(1, width), max(1, min(photo.height, round(photo.width / ratio)))))


def blur(photo: Image.Image, severity: int) -> Image.Image:
    return _shorter_side(photo).filter(ImageFilter.GaussianBlur(_BLUR[severity]))


def noise(photo: Image.Image, severity: int) -> Image.Image:
    """Gaussian, the same for every photo of a size."""
    values = np.asarray(_shorter_side(photo), dtype=np.float32) / 255
    values = values + np.random.default_rng(severity).normal(0, _NOISE[severity], values.shape)
    return Image.fromarray((values.clip(0, 1) * 255).astype(np.uint8))


def jpeg(photo: Image.Image, severity: int) -> Image.Image:
    buffer = io.BytesIO()
    _shorter_side(photo).save(buffer, "JPEG", quality=_JPEG[severity])
    return Image.open(buffer).convert("RGB")


def brightness(photo: Image.Image, severity: int) -> Image.Image:
    hue, saturation, value = _shorter_side(photo).convert("HSV").split()
    value = value.point(lambda level: min(255, level + round(255 * _BRIGHTNESS[severity])))
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def contrast(photo: Image.Image, severity: int) -> Image.Image:
    return ImageEnhance.Contrast(_shorter_side(photo)).enhance(_CONTRAST[severity])


SHIFTS: dict[str, dict[str, Shift]] = {
    "scale": {
        "half the size, blurred surroundings": partial(smaller, share=1 / 2),
        "half the size, mirrored surroundings": partial(smaller, share=1 / 2, mirrored=True),
        "a third of the size, blurred surroundings": partial(smaller, share=1 / 3),
        "a third of the size, mirrored surroundings": partial(smaller, share=1 / 3, mirrored=True),
        "half the size, in a corner": partial(smaller, share=1 / 2, place=(1.0, 1.0)),
        "half as near again": partial(larger, factor=1.5),
    },
    "shape": {"upright, 9:16": partial(aspect, ratio=9 / 16), "wide, 21:9": partial(aspect, ratio=21 / 9)},
    "damage": {
        f"{function.__name__}, severity {severity}": partial(function, severity=severity)
        for function in (blur, noise, jpeg, brightness, contrast)
        for severity in (1, 3, 5)
    },
}
"""Group → name → shift."""


def _shorter_side(photo: Image.Image) -> Image.Image:
    factor = _SIDE / min(photo.size)
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), Image.Resampling.BILINEAR)


def _reflected(part: int, whole: int, start: int) -> np.ndarray:
    """(whole,) int: for every pixel of a line, which of the `part` pixels that begin at `start` it mirrors."""
    places = (np.arange(whole) - start) % (2 * part)
    return np.where(places < part, places, 2 * part - 1 - places)
