"""The evidence behind a stored prediction: photo, heatmaps on one scale, their difference."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.state import models, own_runs, runs
from har_core.cam.scales import to_heatmaps_on_one_scale
from har_core.errors import ImageError
from har_core.media.geometry import Box, seen_box
from har_core.runs.manifest import ModelInfo
from har_core.runs.run import Run
from har_core.viz import overlays
from har_core.viz.colors import DIFFERENCE_SCALE

_OPACITY = 0.7


def compared_classes(run: Run, row: int) -> list[int]:
    """The two classes to compare: predicted and true; for a correct prediction, predicted and the next likeliest, if that
    is known.
    """
    example = runs.examples(run).iloc[row]
    predicted, true, second = (int(example[name]) for name in ("predicted", "true", "second"))
    other = true if true != predicted else second
    return [predicted, other] if other >= 0 else [predicted]


def known_probabilities(run: Run, row: int) -> np.ndarray:
    """(K,) the probability of each class, NaN where it is not known."""
    probabilities = runs.predictions(run).probabilities[row]
    return np.where(runs.known(run).mask(probabilities[None])[0], probabilities, np.nan)


def open_stored_photo(run: Run, row: int) -> Image.Image | None:
    """The photo, upright; None if it is not on this machine, or not one that can be read."""
    path = own_runs.photo_store(run).find(runs.predictions(run).samples[row])
    try:
        return models.read_photo(run, path) if path is not None else None
    except (ImageError, OSError):
        return None


def heatmaps(run: Run, row: int, classes: list[int]) -> np.ndarray | None:
    """(M, side, side) float32 in [0, 1], on one scale; None if the run has no class maps."""
    maps = runs.class_maps(run)
    if maps is None:
        return None
    chosen = np.nan_to_num(np.asarray(maps[row, classes], dtype=np.float32))
    return to_heatmaps_on_one_scale(chosen, run.manifest.model.crop_size)


def evidence_picture(
    run: Run, photo: Image.Image | None, heatmap: np.ndarray | None, *, side: int = overlays.DISPLAY_SIDE
) -> Image.Image | None:
    """A heatmap on its photo; the photo alone, or the heatmap alone, where the other is missing."""
    if photo is None:
        return overlays.heatmap_alone(heatmap) if heatmap is not None else None
    if heatmap is None:
        return photo
    return overlays.overlay(photo, heatmap, _crop(run, photo), opacity=_OPACITY, side=side)


def difference_picture(
    run: Run, photo: Image.Image | None, two: np.ndarray, *, side: int = overlays.DISPLAY_SIDE
) -> Image.Image:
    """Where the first of two heatmaps on one scale is above the second (orange), and where below (purple)."""
    change = two[0] - two[1]
    if photo is None:
        return overlays.heatmap_alone((change + 1) / 2, DIFFERENCE_SCALE)
    return overlays.difference_overlay(photo, change, _crop(run, photo), side=side)


def say_what_is_seen(model: ModelInfo) -> None:
    """Above a photo with a heatmap, where that does not cover the photo."""
    if "whole" in model.views or (model.fit == "squash" and model.crop_size == model.resize):
        return
    st.caption(f"The model looks only at this {'part' if model.fit == 'squash' else 'square'}.")


def _crop(run: Run, photo: Image.Image) -> Box:
    model = run.manifest.model
    return seen_box(
        *photo.size, crop_size=model.crop_size, resize=model.resize, whole="whole" in model.views, fit=model.fit
    )
