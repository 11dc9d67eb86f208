"""Predictions and heatmaps → Plotly figures and PIL pictures."""

from __future__ import annotations

from functools import cache

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageDraw, ImageFont
from plotly.colors import sample_colorscale, unlabel_rgb

from har_core.transforms import Box

SCALE = "Inferno"
"""The colours of heatmaps: evenly spaced for the eye, with or without colour vision, and in greyscale."""

_DIMMED = 0.42  # brightness of what the network did not see
_DISPLAY_SIDE = 1024


def overlay(
    photo: Image.Image, heat: np.ndarray, crop: Box, *, opacity: float, side: int = _DISPLAY_SIDE
) -> Image.Image:
    """A heatmap laid where it belongs on its photo; what the network did not see is dimmed and labelled.

    Args:
        photo: upright RGB.
        heat: (H, W) in [0, 1], over the crop.
        crop: where the network's input lies in the photo, in its pixels.
        opacity: of the strongest heat, in [0, 1]; weaker heat is more transparent, so that the photo stays readable.
        side: the picture's longer side in pixels, at most; larger photos are reduced.
    """
    scale = min(1.0, side / max(photo.size))
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    canvas = np.asarray(photo.resize(size, Image.Resampling.LANCZOS) if scale < 1 else photo, dtype=np.float32)
    left, top = max(0, round(crop.left * scale)), max(0, round(crop.top * scale))
    right, bottom = min(size[0], round(crop.right * scale)), min(size[1], round(crop.bottom * scale))

    result = canvas * _DIMMED
    seen = canvas[top:bottom, left:right]
    # The crop's own rectangle, edges beyond the photo included, is what the heat is stretched over.
    box = (round(crop.right * scale) - round(crop.left * scale), round(crop.bottom * scale) - round(crop.top * scale))
    stretched = np.asarray(Image.fromarray(np.asarray(heat, dtype=np.float32)).resize(box, Image.Resampling.BILINEAR))
    stretched = stretched[: seen.shape[0], : seen.shape[1]].clip(0, 1)
    colours = _lookup()[(stretched * 255).astype(np.uint8)]
    alpha = opacity * (0.25 + 0.75 * stretched[..., None])
    result[top:bottom, left:right] = seen * (1 - alpha) + colours * alpha
    picture = Image.fromarray(result.round().clip(0, 255).astype(np.uint8))
    _label_unseen(picture, (left, top, right, bottom))
    return picture


def probability_bars(classes: list[str], probabilities: list[float], *, highlight: int = 0) -> go.Figure:
    """Horizontal bars, the first on top, with the percentages written at their ends."""
    shown = [readable(name) for name in classes]
    figure = go.Figure(
        go.Bar(
            x=probabilities,
            y=shown,
            orientation="h",
            text=[percent(value) for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [PRIMARY if index == highlight else MUTED for index in range(len(shown))]},
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="", tickfont={"size": 14}, ticksuffix="  ")
    figure.update_layout(height=34 * len(shown) + 16, margin={"l": 0, "r": 0, "t": 4, "b": 4}, bargap=0.35)
    return figure


PRIMARY, MUTED = "#d9622b", "#8f97a6"


def colour_scale_css() -> str:
    """The heatmap colours as a CSS gradient from 0 (left) to 1 (right)."""
    stops = ", ".join(sample_colorscale(SCALE, [step / 8 for step in range(9)]))
    return f"linear-gradient(to right, {stops})"


def readable(name: str) -> str:
    """A class name as prose: 'listening_to_music' → 'listening to music'."""
    return name.replace("_", " ")


def percent(value: float) -> str:
    """A probability for people: whole per cents, but never a false 0 or 100."""
    if value < 0.005:
        return "< 1 %"
    return "> 99 %" if value > 0.995 else f"{value:.0%}".replace("%", " %")


@cache
def _lookup() -> np.ndarray:
    """(256, 3) float32 RGB in [0, 255]."""
    colours = sample_colorscale(SCALE, [step / 255 for step in range(256)])
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
