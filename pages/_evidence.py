"""The evidence behind a stored prediction, as pictures: photo, heatmaps on one scale, their difference."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from har_core import pictures
from har_core.errors import ImageError
from har_core.explain import heatmaps_on_one_scale
from har_core.images import open_photo
from har_core.runs import Run
from har_core.transforms import Box, evaluation_crop
from pages import _data

_STRIP = 240  # height of a gallery card's strip of pictures, in pixels
_OPACITY = 0.7


def pair(run: Run, row: int) -> tuple[int, int]:
    """The two classes to compare: predicted and true; for a right answer, predicted and the next likeliest."""
    photo = _data.table(run).iloc[row]
    predicted, true = int(photo["predicted"]), int(photo["true"])
    return predicted, true if true != predicted else int(photo["second"])


def photo(run: Run, row: int) -> Image.Image | None:
    """The photo, upright; None if it is not on this machine, or not one that can be read."""
    path = _data.photos(run).find(_data.predictions(run).samples[row])
    try:
        return open_photo(path) if path is not None else None
    except (ImageError, OSError):
        return None


def heats(run: Run, row: int, classes: list[int]) -> np.ndarray | None:
    """(M, side, side) float32 in [0, 1], on one scale; None if the run has no class maps."""
    maps = _data.heatmaps(run)
    if maps is None:
        return None
    chosen = np.nan_to_num(np.asarray(maps[row, classes], dtype=np.float32))
    return heatmaps_on_one_scale(chosen, _crop_size(run))


def laid(run: Run, picture: Image.Image | None, heat: np.ndarray | None, *, side: int = 1024) -> Image.Image | None:
    """A heatmap on its photo; the photo alone, or the grid alone, where the other is missing."""
    if picture is None:
        return pictures.grid(heat) if heat is not None else None
    if heat is None:
        return picture
    return pictures.overlay(picture, heat, _crop(run, picture), opacity=_OPACITY, side=side)


def difference(run: Run, picture: Image.Image | None, two: np.ndarray, *, side: int = 1024) -> Image.Image:
    """Where the first of two heatmaps on one scale is above the second (orange), and where below (purple)."""
    change = two[0] - two[1]
    if picture is None:
        return pictures.grid((change + 1) / 2, pictures.DIFFERENCE_SCALE)
    return pictures.difference(picture, change, _crop(run, picture), side=side)


def strip(run: Run, row: int, *, with_difference: bool) -> bytes | None:
    """A card's picture as JPEG: photo, evidence for the first and for the second class of `pair`, on demand their
    difference.  None if there is neither photo nor class map.
    """
    path = _data.photos(run).find(_data.predictions(run).samples[row])
    if path is None and _data.heatmaps(run) is None:
        return None
    stamp = (str(path), path.stat().st_mtime_ns) if path is not None else None
    key = (str(run.folder), _data.version(run), row, with_difference, stamp, _STRIP)
    return _data.pictures(run).get(key, lambda: _strip(run, row, with_difference))


def _strip(run: Run, row: int, with_difference: bool) -> Image.Image:
    picture, two = photo(run, row), heats(run, row, list(pair(run, row)))
    side = _STRIP * 2
    if picture is not None:
        picture.thumbnail((side, side))
    panels = [picture] if picture is not None else []
    for heat in two if two is not None else []:
        shown = laid(run, picture, heat, side=side)
        assert shown is not None
        panels.append(shown)
    if with_difference and two is not None:
        panels.append(difference(run, picture, two, side=side))
    return pictures.strip(panels, height=_STRIP)


def colour_bar(low: str = "no evidence", high: str = "strongest evidence", scale: str = pictures.SCALE) -> None:
    """What the colours of heatmaps mean."""
    st.html(
        '<div style="display:flex;align-items:center;gap:.6rem;font-size:.85rem;opacity:.85">'
        f"<span>{low}</span>"
        f'<span style="flex:1;height:.6rem;border-radius:.3rem;background:{pictures.colour_scale_css(scale)}"></span>'
        f"<span>{high}</span></div>"
    )


def _crop(run: Run, picture: Image.Image) -> Box:
    resize = int(run.card.get("model", {}).get("resize", 256))
    return evaluation_crop(*picture.size, crop_size=_crop_size(run), resize=resize)


def _crop_size(run: Run) -> int:
    return int(run.card.get("model", {}).get("crop_size", 224))
