"""Rectangles in a photo: where its evaluation crop lies, and others.  Without torch."""

from __future__ import annotations

from dataclasses import dataclass

from har_core.runs.manifest import Fit


@dataclass(frozen=True)
class Box:
    """A rectangle in a photo, in its own pixels: `left` and `top` included, `right` and `bottom` excluded."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def scaled(self, across: float, down: float) -> Box:
        """The same part of a photo that is so many times as wide, and so many times as high."""
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)

    def within(self, outer: Box) -> Box:
        """Moved, not cut, into another box; cut only where it is larger than that."""
        wide, high = min(self.width, outer.width), min(self.height, outer.height)
        left = min(max(outer.left, self.left), outer.right - wide)
        top = min(max(outer.top, self.top), outer.bottom - high)
        return Box(left, top, left + wide, top + high)


def whole_photo(width: int, height: int) -> Box:
    return Box(0.0, 0.0, float(width), float(height))


def seen_box(width: int, height: int, *, crop_size: int, resize: int, whole: bool, fit: Fit = "crop") -> Box:
    """The part of an upright photo that a model's class maps cover: all of it, or the evaluation crop."""
    if whole:
        return whole_photo(width, height)
    return center_crop_box(width, height, crop_size=crop_size, resize=resize, fit=fit)


def center_crop_box(width: int, height: int, *, crop_size: int, resize: int, fit: Fit = "crop") -> Box:
    """The part of an upright photo that `data.transforms.eval_transform` lets the network see.

    Follows torchvision's rounding: the longer side becomes int(resize * long / short), the crop begins at
    round((side - crop_size) / 2).  A photo that is squashed has sides of `resize` pixels.

    Args:
        width, height: size of the photo in pixels.
    """
    short, long = min(width, height), max(width, height)
    resized_long = int(resize * long / short)
    resized_width, resized_height = (resize, resized_long) if width <= height else (resized_long, resize)
    if fit == "squash":
        resized_width = resized_height = resize
    left, top = round((resized_width - crop_size) / 2), round((resized_height - crop_size) / 2)
    scale_x, scale_y = width / resized_width, height / resized_height
    return Box(left * scale_x, top * scale_y, (left + crop_size) * scale_x, (top + crop_size) * scale_y)
