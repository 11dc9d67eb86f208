"""What the model says of a part of the photo alone, which the visitor chooses with a box."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from PIL import Image

from app_pages.components.photo_box import Edges, photo_box
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.media.geometry import Box
from har_core.viz.formats import class_markdown, percent

_ON, _BOXES, _ANSWER = "own-part", "own-part-boxes", "own-part-answer"
_AT_FIRST: Edges = (0.25, 0.2, 0.75, 0.8)
_KEPT = 100  # photos whose box is remembered


def looked_at(prediction: Prediction, predictor: Predictor, load: Callable[[], Image.Image]) -> Prediction:
    """What the model says of the part that the visitor chose; the prediction itself if they did not.

    Args:
        load: gives the photo in its own size: a small part of it has more to see than what is shown.
    """
    if not st.session_state.get(_ON, False):
        return prediction
    edges = _edges(prediction)
    key = (prediction.key, edges)
    known: tuple[object, Predictor, Prediction] | None = st.session_state.get(_ANSWER)
    if known is not None and known[0] == key and known[1] is predictor:
        return known[2]
    photo = load()
    box = Box(*edges).scaled(photo.width, photo.height)
    answer = predictor.predict(photo, prediction.name, box).shrunk(max(prediction.photo.size))
    st.session_state[_ANSWER] = key, predictor, answer
    return answer


def compare(part: Prediction, prediction: Prediction) -> None:
    """What is said of the whole photo, beside the answer to a part of it."""
    name, share = class_markdown(prediction.predicted), percent(prediction.confidence)
    same = "the same as" if part.predicted == prediction.predicted else "other than"
    st.caption(f"This is said of your part alone, {same} without the box: *{name}* ({share}).")


def switch() -> bool:
    """Whether the visitor wants to choose a part."""
    return st.toggle(
        "Look at a part only",
        key=_ON,
        persist_state="session",
        help="Drag a box on the photo, and see whether the surroundings mattered.",
    )


def draw(prediction: Prediction, picture: Image.Image) -> None:
    """A picture of the photo, with the box to be dragged.

    Args:
        prediction: of the photo as a whole.
    """
    st.caption("Drag the box, its corners, or a new one: the answer follows.")
    photo_box(
        picture,
        _edges(prediction),
        key=f"box-{prediction.key}",
        label=f"{prediction.name}, with a box around the part that the model looks at",
        on_change=partial(_keep, prediction.key),
    )


def _edges(prediction: Prediction) -> Edges:
    boxes: dict[str, Edges] = st.session_state.get(_BOXES, {})
    return boxes.get(prediction.key, _AT_FIRST)


def _keep(key: str, edges: Edges) -> None:
    boxes: dict[str, Edges] = st.session_state.setdefault(_BOXES, {})
    boxes.pop(key, None)
    boxes[key] = edges
    while len(boxes) > _KEPT:
        del boxes[next(iter(boxes))]
