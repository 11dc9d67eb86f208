"""A frame of the camera → what is shown of it.  Imports PyTorch, which the page itself does without."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from app_pages.components.camera import Answer
from app_pages.predict.sets import rule_of, words
from app_pages.state import models
from har_core.analysis.smoothing import Recent
from har_core.cam.scales import to_heatmap
from har_core.errors import ImageError
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.geometry import center_crop_box
from har_core.runs.run import Run
from har_core.viz import overlays
from har_core.viz.formats import class_label

_RECENT = "live-recent"
_MOST_PIXELS = 1_500_000
_LIKELIEST = 3  # classes that are shown
_HEAT_SIDE = 28  # pixels, which the browser smooths


def answer(content: bytes, run: Run) -> Answer:
    """What the run's model sees in the center of an untrusted picture, with the frames of the last second.

    Raises:
        ImageError: if the picture cannot be read, or is larger than a frame.
        HarError: if the model cannot be loaded.
    """
    photo = models.decoder().open(content, "The picture of the camera")
    if photo.width * photo.height > _MOST_PIXELS:
        raise ImageError(f"expected a frame of at most {_MOST_PIXELS:,} pixels, found {photo.width} × {photo.height}")
    predictor = models.predictor(run)
    found = _seen(photo, predictor)
    smoothed = _smoothed(found, predictor)
    top = smoothed.ranking[:_LIKELIEST]
    headline, detail = words(smoothed, rule_of(run))
    share = found.crop.scaled(1 / photo.width, 1 / photo.height)
    return Answer(
        headline,
        detail,
        tuple((class_label(found.classes[index]), float(smoothed.probabilities[index])) for index in top),
        (share.left, share.top, share.right, share.bottom),
        _heat(found.class_maps[top[0]]),
    )


def _seen(photo: Image.Image, predictor: Predictor) -> Prediction:
    """The prediction of the evaluation crop alone, whatever other views the model has: one look is the quickest."""
    spec = predictor.spec
    box = center_crop_box(*photo.size, crop_size=spec.crop_size, resize=spec.resize, fit=spec.preprocessing.fit)
    return predictor.predict(photo, "frame", box, occlude=False)


def _smoothed(found: Prediction, predictor: Predictor) -> Prediction:
    """The same with the means of the last second in place of what this frame alone says."""
    by, recent = st.session_state.get(_RECENT, (None, None))
    if by is not predictor or recent is None:
        recent = Recent()
    recent = recent.followed_by(time.monotonic(), np.append(found.probabilities.astype(np.float64), found.known))
    st.session_state[_RECENT] = predictor, recent
    mean = recent.mean
    return replace(found, probabilities=mean[:-1].astype(np.float32), known=float(mean[-1]))


def _heat(class_map: np.ndarray) -> bytes | None:
    """(h, w) → a PNG as `overlays.overlay` blends it; None if nothing is evidence for the class."""
    if not (class_map > 0).any():
        return None
    heatmap = to_heatmap(class_map, _HEAT_SIDE)
    picture = overlays.heatmap_alone(heatmap)
    picture.putalpha(Image.fromarray(((0.25 + 0.75 * heatmap) * 255).astype(np.uint8)))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
