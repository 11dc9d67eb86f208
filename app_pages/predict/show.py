"""One predicted photo, or frame of a clip, on a page: the answer in its place, to a part of it where the visitor chose one; and why."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from app_pages.predict import own_part
from app_pages.predict.answer import answer, evidence
from app_pages.predict.sets import Rule
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor

_OCCLUDED = "occluded"


def show(
    prediction: Prediction,
    load: Callable[[], Image.Image],
    predictor: Predictor,
    rule: Rule,
    place: DeltaGenerator,
    *,
    level: int = 2,
) -> Prediction:
    """The answer goes to its place, the evidence to where the page is; returns what was shown.

    Args:
        load: decodes the photo in its own size.
        level: of the answer's heading.
    """
    shown = own_part.looked_at(prediction, predictor, load)
    with place:
        answer(shown, rule, level=level)
        if shown is not prediction:
            own_part.compare(shown, prediction)
    if shown is prediction:
        shown = _with_maps(prediction, predictor, load)
    evidence(shown, predictor, rule, of=prediction)
    return shown


def _with_maps(prediction: Prediction, predictor: Predictor, load: Callable[[], Image.Image]) -> Prediction:
    """The prediction, of a network that is explained by occlusion with class maps, which take 50 passes through it."""
    if predictor.explanation != "occlusion" or prediction.class_maps.any():
        return prediction
    known: tuple[str, Predictor, Prediction] | None = st.session_state.get(_OCCLUDED)
    if known is None or known[0] != prediction.key or known[1] is not predictor:
        with st.spinner("Occlusion: 50 passes through the network …"):
            found = predictor.predict(load(), prediction.name).shrunk(max(prediction.photo.size))
        st.session_state[_OCCLUDED] = known = prediction.key, predictor, found
    return known[2]
