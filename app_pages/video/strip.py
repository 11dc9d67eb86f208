"""A frame's thumbnail with the heat of its likeliest class."""

from __future__ import annotations

import io

from PIL import Image

from har_core.cam.scales import to_heatmap
from har_core.inference.video import FrameAnswer
from har_core.viz.overlays import overlay

_OPACITY = 0.6


def strip_picture(answer: FrameAnswer) -> Image.Image:
    """The thumbnail, with heat where the network has class maps."""
    picture = Image.open(io.BytesIO(answer.thumbnail)).convert("RGB")
    if answer.class_maps is None:
        return picture
    heatmap = to_heatmap(answer.class_maps[int(answer.probabilities.argmax())].astype("float32"), 112)
    crop = answer.crop.scaled(picture.width / answer.size[0], picture.height / answer.size[1])
    return overlay(picture, heatmap, crop, opacity=_OPACITY, dim=False)
