"""Heatmaps, photos and matrices → pictures."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from plotly.colors import sample_colorscale, unlabel_rgb

from har_core.transforms import Box
from har_core.words import bare

SCALE = "Inferno"
"""The colours of heatmaps: evenly spaced for the eye, with or without colour vision, and in greyscale."""

DIFFERENCE_SCALE = "PuOr_r"
"""The colours of a difference, from -1 (purple) to 1 (orange): told apart with any colour vision."""

DISPLAY_SIDE = 1024
"""Pixels: the longer side of a picture on a page, at most."""

_DIMMED = 0.42  # brightness of what the network did not see
_GAP = 8  # pixels between the panels of a strip


def overlay(
    photo: Image.Image, heat: np.ndarray, crop: Box, *, opacity: float, side: int = DISPLAY_SIDE
) -> Image.Image:
    """A heatmap laid where it belongs on its photo; what the network did not see is dimmed and labelled.

    Args:
        photo: upright RGB.
        heat: (H, W) in [0, 1], over the crop.
        crop: where the network's input lies in the photo, in its pixels.
        opacity: of the strongest heat, in [0, 1]; weaker heat is more transparent, so that the photo stays readable.
        side: the picture's longer side in pixels, at most; larger photos are reduced.
    """
    heat = np.asarray(heat, dtype=np.float32)
    return _laid(photo, heat, opacity * (0.25 + 0.75 * heat), crop, SCALE, side)


def difference(photo: Image.Image, change: np.ndarray, crop: Box, *, side: int = DISPLAY_SIDE) -> Image.Image:
    """Where one class has more evidence than another: (H, W) in [-1, 1], laid on the greyed photo."""
    change = np.asarray(change, dtype=np.float32)
    grey = photo.convert("L").convert("RGB")
    return _laid(grey, (change + 1) / 2, 0.9 * np.sqrt(np.abs(change).clip(0, 1)), crop, DIFFERENCE_SCALE, side)


def grid(values: np.ndarray, scale: str = SCALE) -> Image.Image:
    """A heatmap by itself, for a photo that is not at hand: (H, W) in [0, 1] → RGB of that size."""
    return Image.fromarray(_lookup(scale)[(values.clip(0, 1) * 255).astype(np.uint8)].astype(np.uint8))


def strip(panels: list[Image.Image], *, height: int) -> Image.Image:
    """Pictures of one shape side by side, `height` pixels high, on a middle grey that suits light and dark pages."""
    width = max(1, round(panels[0].width * height / panels[0].height))
    picture = Image.new("RGB", (len(panels) * (width + _GAP) - _GAP, height), (128, 128, 128))
    for index, panel in enumerate(panels):
        picture.paste(panel.resize((width, height), Image.Resampling.LANCZOS), (index * (width + _GAP), 0))
    return picture


def matrix_png(counts: np.ndarray, classes: tuple[str, ...]) -> bytes:
    """A confusion matrix as a PNG file for a report, drawn by scikit-learn."""
    from matplotlib.figure import Figure  # slow import, rarely needed
    from sklearn.metrics import ConfusionMatrixDisplay

    side = 3 + 0.5 * len(classes)
    figure = Figure(figsize=(side, side), layout="tight")
    display = ConfusionMatrixDisplay(counts, display_labels=[bare(name).replace("$", r"\$") for name in classes])
    display.plot(ax=figure.add_subplot(), cmap="Oranges", colorbar=False, xticks_rotation=60)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def colour_scale_css(scale: str = SCALE) -> str:
    """The colours of a scale as a CSS gradient from its low end (left) to its high end (right)."""
    stops = ", ".join(sample_colorscale(scale, [step / 8 for step in range(9)]))
    return f"linear-gradient(to right, {stops})"


def _laid(photo: Image.Image, values: np.ndarray, alpha: np.ndarray, crop: Box, scale: str, side: int) -> Image.Image:
    """Colours over the crop of a photo: `values` (H, W) in [0, 1] say which, `alpha` (H, W) in [0, 1] how opaque."""
    factor = min(1.0, side / max(photo.size))
    size = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
    canvas = np.asarray(photo.resize(size, Image.Resampling.LANCZOS) if factor < 1 else photo, dtype=np.float32)
    left, top = max(0, round(crop.left * factor)), max(0, round(crop.top * factor))
    right, bottom = min(size[0], round(crop.right * factor)), min(size[1], round(crop.bottom * factor))

    result = canvas * _DIMMED
    seen = canvas[top:bottom, left:right]
    # The crop's own rectangle, edges beyond the photo included, is what the heat is stretched over.
    box = round(crop.right * factor) - round(crop.left * factor), round(crop.bottom * factor) - round(crop.top * factor)
    stretched, opaque = (
        np.asarray(Image.fromarray(part).resize(box, Image.Resampling.BILINEAR))[: seen.shape[0], : seen.shape[1]]
        for part in (values, alpha)
    )
    colours = _lookup(scale)[(stretched.clip(0, 1) * 255).astype(np.uint8)]
    result[top:bottom, left:right] = seen + (colours - seen) * opaque[..., None]
    picture = Image.fromarray(result.round().clip(0, 255).astype(np.uint8))
    _label_unseen(picture, (left, top, right, bottom))
    return picture


@cache
def _lookup(scale: str) -> np.ndarray:
    """(256, 3) float32 RGB in [0, 255]."""
    colours = sample_colorscale(scale, [step / 255 for step in range(256)])
    return np.array([unlabel_rgb(colour) for colour in colours], dtype=np.float32)


def _label_unseen(picture: Image.Image, seen: tuple[int, int, int, int]) -> None:
    """Write 'not seen' into the larger strip beside the crop, if it is wide enough to be read."""
    left, top, right, bottom = seen
    text, draw = "not seen", ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(11, round(max(picture.size) / 45)))
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    width, height = x1 - x0, y1 - y0
    beside, below = max(left, picture.width - right), max(top, picture.height - bottom)
    if max(beside, below) < height * 2:
        return
    if beside >= below:  # a strip at the side: the words run upwards
        label = Image.new("L", (int(width) + 4, int(height) + 4), 0)
        ImageDraw.Draw(label).text((2 - x0, 2 - y0), text, fill=255, font=font)
        label = label.rotate(90, expand=True)
        centre = left / 2 if left >= picture.width - right else (right + picture.width) / 2
        place = round(centre - label.width / 2), round(picture.height / 2 - label.height / 2)
        picture.paste("white", (*place, place[0] + label.width, place[1] + label.height), label)
    else:
        centre = top / 2 if top >= picture.height - bottom else (bottom + picture.height) / 2
        draw.text((picture.width / 2 - width / 2 - x0, centre - height / 2 - y0), text, fill="white", font=font)
