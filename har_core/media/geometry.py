"""Where the evaluation crop lies in its photo.  Without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle in a photo, in its own pixels: `left` and `top` included, `right` and `bottom` excluded."""

    left: float
    top: float
    right: float
    bottom: float


def center_crop_box(width: int, height: int, *, crop_size: int, resize: int) -> Box:
    """The part of an upright photo that `data.transforms.eval_transform` lets the network see.

    Follows torchvision's rounding: the longer side becomes int(resize * long / short), the crop begins at
    round((side - crop_size) / 2).

    Args:
        width, height: size of the photo in pixels.
    """
    short, long = min(width, height), max(width, height)
    resized_long = int(resize * long / short)
    resized_width, resized_height = (resize, resized_long) if width <= height else (resized_long, resize)
    left, top = round((resized_width - crop_size) / 2), round((resized_height - crop_size) / 2)
    scale_x, scale_y = width / resized_width, height / resized_height
    return Box(left * scale_x, top * scale_y, (left + crop_size) * scale_x, (top + crop_size) * scale_y)
