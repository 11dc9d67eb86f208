"""A photo with a box that can be dragged: moved, resized by its corners, or drawn anew; also by the arrow keys."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import streamlit as st
from PIL import Image

from app_pages.components.own_component import own_component

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of a photo, as shares of its sides."""

_SIDE = 900  # pixels: the longer side of the picture that the browser is sent, at most

_component = own_component("photo_box", '<div class="stage"><img draggable="false"><div class="box"></div></div>')


def photo_box(photo: Image.Image, edges: Edges, *, key: str, label: str, on_change: Callable[[Edges], object]) -> None:
    """Draw a photo and its box.

    Args:
        label: what the photo is, for who cannot see it.
        on_change: called with the new edges when the box was let go.
    """

    def changed() -> None:
        found = st.session_state[key].box
        if isinstance(found, list) and len(found) == 4 and all(isinstance(edge, (int, float)) for edge in found):
            left, top, right, bottom = (min(max(0.0, float(edge)), 1.0) for edge in found)
            if left < right and top < bottom:
                on_change((left, top, right, bottom))

    _component(key=key, data={"image": _data_url(photo), "box": list(edges), "label": label}, on_box_change=changed)


def _data_url(photo: Image.Image) -> str:
    small = photo.copy()
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
