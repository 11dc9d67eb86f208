"""Photos and heatmaps → pictures."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw
from plotly.colors import sample_colorscale, unlabel_rgb

from har_core.media.geometry import Box
from har_core.viz.colors import DIFFERENCE_SCALE, HEATMAP_SCALE

DISPLAY_SIDE = 1024
"""Pixels: the longer side of a picture on a page, at most."""

_DIMMED = 0.42  # brightness of what the network does not see
_GAP = 8  # pixels between the panels of a strip


def overlay(
    photo: Image.Image, heatmap: np.ndarray, crop: Box, *, opacity: float, side: int = DISPLAY_SIDE, dim: bool = True
) -> Image.Image:
    """A heatmap where it belongs on its photo.

    Args:
        photo: upright RGB.
        heatmap: (H, W) in [0, 1], over the crop.
        crop: where the network's input lies in the photo, in its pixels.
        opacity: of the strongest heat, in [0, 1]; weaker heat is more transparent, so that the photo stays readable.
        side: the picture's longer side in pixels, at most; larger photos are reduced.
        dim: whether what the network does not see is dimmed.
    """
    heatmap = np.asarray(heatmap, dtype=np.float32)
    return _blend(photo, heatmap, opacity * (0.25 + 0.75 * heatmap), crop, HEATMAP_SCALE, side, dim=dim)


def framed(picture: Image.Image, photo: Image.Image, box: Box) -> Image.Image:
    """A thin frame around a part of a photo, on a picture of all of it.

    Args:
        photo: the one in whose pixels the box is.
    """
    across, down = picture.width / photo.width, picture.height / photo.height
    edges = (box.left * across, box.top * down, box.right * across - 1, box.bottom * down - 1)
    framed = picture.copy()
    draw = ImageDraw.Draw(framed)
    width = max(1, round(max(picture.size) / 400))
    for grow, color in ((0, "black"), (width, "white")):  # seen on light and on dark
        left, top, right, bottom = edges[0] + grow, edges[1] + grow, edges[2] - grow, edges[3] - grow
        if left < right and top < bottom:
            draw.rectangle((left, top, right, bottom), outline=color, width=width)
    return framed


def difference_overlay(photo: Image.Image, change: np.ndarray, crop: Box, *, side: int = DISPLAY_SIDE) -> Image.Image:
    """Where one class has more evidence than another: (H, W) in [-1, 1], over the photo in gray."""
    change = np.asarray(change, dtype=np.float32)
    gray = photo.convert("L").convert("RGB")
    return _blend(gray, (change + 1) / 2, 0.9 * np.sqrt(np.abs(change).clip(0, 1)), crop, DIFFERENCE_SCALE, side)


def heatmap_alone(values: np.ndarray, scale: str = HEATMAP_SCALE) -> Image.Image:
    """A heatmap by itself, for a photo that is not at hand: (H, W) in [0, 1] → RGB of that size."""
    return Image.fromarray(_lookup(scale)[(values.clip(0, 1) * 255).astype(np.uint8)].astype(np.uint8))


def side_by_side(panels: list[Image.Image], *, height: int) -> Image.Image:
    """Pictures of one shape in a row, `height` pixels high, on a middle gray that suits light and dark pages."""
    width = max(1, round(panels[0].width * height / panels[0].height))
    picture = Image.new("RGB", (len(panels) * (width + _GAP) - _GAP, height), (128, 128, 128))
    for index, panel in enumerate(panels):
        picture.paste(panel.resize((width, height), Image.Resampling.LANCZOS), (index * (width + _GAP), 0))
    return picture


def _blend(
    photo: Image.Image,
    values: np.ndarray,
    alpha: np.ndarray,
    crop: Box,
    scale: str,
    side: int,
    *,
    dim: bool = True,
) -> Image.Image:
    """Colors over the crop of a photo: `values` (H, W) in [0, 1] say which, `alpha` (H, W) in [0, 1] how opaque."""
    factor = min(1.0, side / max(photo.size))
    size = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
    canvas = np.asarray(photo.resize(size, Image.Resampling.LANCZOS) if factor < 1 else photo, dtype=np.float32)
    left = min(max(0, round(crop.left * factor)), size[0] - 1)
    top = min(max(0, round(crop.top * factor)), size[1] - 1)
    right = min(size[0], max(left + 1, round(crop.right * factor)))
    bottom = min(size[1], max(top + 1, round(crop.bottom * factor)))

    result = canvas * (_DIMMED if dim else 1.0)
    seen = canvas[top:bottom, left:right]
    # The crop's own rectangle, edges beyond the photo included, is what the heat is stretched over.
    wide, high = (round(end * factor) - round(start * factor) for start, end in
                  ((crop.left, crop.right), (crop.top, crop.bottom)))  # fmt: skip
    box = max(wide, right - left), max(high, bottom - top)
    stretched, opaque = (
        np.asarray(Image.fromarray(part).resize(box, Image.Resampling.BILINEAR))[: seen.shape[0], : seen.shape[1]]
        for part in (values, alpha)
    )
    colors = _lookup(scale)[(stretched.clip(0, 1) * 255).astype(np.uint8)]
    result[top:bottom, left:right] = seen + (colors - seen) * opaque[..., None]
    return Image.fromarray(result.round().clip(0, 255).astype(np.uint8))


@cache
def _lookup(scale: str) -> np.ndarray:
    """(256, 3) float32 RGB in [0, 255]."""
    colors = sample_colorscale(scale, [step / 255 for step in range(256)])
    return np.array([unlabel_rgb(color) for color in colors], dtype=np.float32)


def jpeg(picture: Image.Image, *, quality: int = 85) -> bytes:
    """A picture as a page sends it."""
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()
