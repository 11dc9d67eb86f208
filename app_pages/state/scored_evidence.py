"""Where the network looked in one of the scored photos: computed when the photo is opened, and kept for all sessions.

The model is sought among the runs here, and is the one whose answer to this very photo is the stored one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from app_pages.state import models, own_runs, runs, scored
from har_core.cam.scales import to_heatmaps_on_one_scale
from har_core.errors import HarError, ImageError
from har_core.media.images import open_photo
from har_core.runs.manifest import ModelInfo
from har_core.runs.run import Run
from har_core.scoring.browse import Found, ScoredPhotos
from har_core.viz import overlays

_TRIED = 3  # models
_SAME = 5e-3
"""The largest difference of a probability between a scoring and another look by the same model, on whichever machine."""

_OPACITY = 0.7
NO_PHOTO = "The photo is not here, so there is no heatmap."
NO_MODEL = "The model that answered is not among the runs here, so there is no heatmap."


@dataclass(frozen=True)
class Evidence:
    """JPEGs of the photo with a heatmap for each of the classes, on one scale, and the title of the run whose model looked."""

    pictures: tuple[bytes, ...]
    title: str
    model: ModelInfo


def evidence(photos: ScoredPhotos, found: Found, classes: tuple[int, ...], side: int) -> Evidence | str:
    """The evidence for some classes in a photo with an answer; or why there is none, in a sentence.

    Args:
        classes: their indices.
        side: the longer side of the pictures, in pixels, at most.
    """
    able = [run for run in runs.all_runs()[0].values() if _may_be_its_model(run, photos)][:_TRIED]
    if not able:
        return NO_MODEL
    tried = tuple((run.folder, runs.version(run)) for run in able)
    try:
        return _evidence(photos, scored.version(photos.folder), scored.below(), found, classes, side, tried)
    except ImageError:  # not kept: it may be there the next time
        return NO_PHOTO


@st.cache_data(
    max_entries=200,
    max_size="64MB",
    show_spinner="Looking where the model looked …",
    hash_funcs={ScoredPhotos: lambda photos: str(photos.folder)},
)
def _evidence(
    photos: ScoredPhotos,
    version: int,
    below: str,
    found: Found,
    classes: tuple[int, ...],
    side: int,
    tried: tuple[tuple[Path, int], ...],
) -> Evidence | str:
    data = scored.stored(photos).read(found.sample, found.shard)
    if data is None:
        raise ImageError(NO_PHOTO)
    photo, told = open_photo(data, found.sample), photos.probabilities(found)
    for folder, _ in tried:
        try:
            run = Run.open(folder)
            prediction = models.predictor(run).predict(photo, found.sample)
        except HarError:  # a model that cannot be loaded is not at hand
            continue
        if told is None or not np.allclose(prediction.probabilities, told, rtol=0, atol=_SAME):
            continue
        model = run.manifest.model
        heatmaps = to_heatmaps_on_one_scale(prediction.class_maps[list(classes)], model.crop_size)
        pictures = (
            overlays.jpeg(overlays.overlay(prediction.photo, heatmap, prediction.crop, opacity=_OPACITY, side=side))
            for heatmap in heatmaps
        )
        return Evidence(tuple(pictures), run.title, model)
    return NO_MODEL


def _may_be_its_model(run: Run, photos: ScoredPhotos) -> bool:
    """Whether a run has a model of the same classes, and all that was noted of the network is the same."""
    if not run.has_model or own_runs.is_own(run) or run.classes[: len(photos.classes)] != photos.classes:
        return False
    noted, model = photos.scored.network, run.manifest.model
    return noted is None or (
        (noted.architecture, noted.crop_size, noted.resize, noted.fit, noted.views)
        == (model.architecture, model.crop_size, model.resize, model.fit, model.views)
        and math.isclose(noted.temperature, model.temperature, rel_tol=1e-4)
    )
