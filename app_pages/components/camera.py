"""The visitor's camera: frames come one after the other, each once the one before has been answered.

Two components share the work.  `camera` shows the picture and what was said of it, and is drawn once.  `camera_link` is drawn
with every answer, by the part of the page that gives it, and sends the next frame to that part alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app_pages.components.own_component import own_component
from app_pages.components.photo_box import Edges
from har_core.viz.formats import percent

_MOST_BYTES = 500_000  # of a frame
_MOST_KEPT_BYTES = 8_000_000  # of one that the visitor keeps, in the camera's own size

_component = own_component(
    "camera",
    """<div class="live">
  <div class="stage">
    <div class="picture" hidden>
      <video playsinline muted></video>
      <div class="seen"><img alt="" hidden></div>
    </div>
    <div class="cover">
      <p class="problem" role="alert"></p>
      <p class="before">The app is sent a picture several times a second, answers it, and forgets it.</p>
      <button type="button" class="start">Start the camera</button>
    </div>
  </div>
  <div class="said" hidden>
    <div class="buttons">
      <button type="button" class="pause">Pause</button>
      <button type="button" class="keep">Keep this frame</button>
      <button type="button" class="stop">Stop</button>
    </div>
    <p class="answer" role="status"></p>
    <p class="detail"></p>
    <div class="bars"></div>
    <p class="pace"></p>
    <div class="settings">
      <label><input type="checkbox" class="shown"> Heatmap</label>
      <input type="range" class="opacity" min="0.1" max="1" step="0.05" aria-label="Heatmap opacity">
      <label class="which" hidden>Camera <select></select></label>
    </div>
    <p class="note" role="status"></p>
  </div>
</div>""",
)

_link = own_component("camera_link", "<span hidden></span>")


@dataclass(frozen=True)
class Frame:
    """An untrusted picture, as the browser numbered it."""

    number: int
    content: bytes


@dataclass(frozen=True)
class Answer:
    """What is shown of a frame.

    `likeliest`: what the classes are called and their probabilities, the likeliest first.  `heat`: a PNG that lies over the
    part `seen` of the picture; None if there is nothing to show.
    """

    headline: str
    detail: str
    likeliest: tuple[tuple[str, float], ...]
    seen: Edges
    heat: bytes | None = None


def camera(*, key: str, side: int, on_keep: Callable[[bytes], object]) -> None:
    """Draw the camera, with its buttons and what was said last.

    Args:
        side: the shorter side of the frames, in pixels.
        on_keep: called with the untrusted JPEG that the visitor wants to keep.
    """

    def kept() -> None:
        content = _decoded(st.session_state[key].kept, _MOST_KEPT_BYTES)
        if content is not None:
            on_keep(content)

    _component(key=key, data={"side": side}, on_kept_change=kept)


def sent_frame(key: str) -> Frame | None:
    """The frame for which this part of the page runs, if it is for one; to be asked before `camera_link` is drawn."""
    sent = getattr(st.session_state.get(key), "frame", None)
    if not isinstance(sent, dict) or type(sent.get("number")) is not int:
        return None
    content = _decoded(sent.get("image"), _MOST_BYTES)
    return Frame(sent["number"], content) if content is not None else None


def camera_link(*, key: str, frame: Frame | None = None, answer: Answer | None = None, refusal: str = "") -> None:
    """Wait for frames; to be called in a fragment.

    Args:
        frame: the one that is answered.
        refusal: why there is no answer to it.
    """
    data: dict[str, object] = {"number": frame.number if frame is not None else None, "refusal": refusal}
    if answer is not None:
        data |= {
            "headline": answer.headline,
            "detail": answer.detail,
            "likeliest": [(label, share, percent(share)) for label, share in answer.likeliest],
            "seen": list(answer.seen),
            "heat": "data:image/png;base64," + base64.b64encode(answer.heat).decode() if answer.heat else None,
        }
    _link(key=key, data=data, height=1, on_frame_change=lambda: None)


def _decoded(sent: object, most: int) -> bytes | None:
    """What was sent in base64; None if it was not, or is longer than the page's own script ever makes it."""
    if not isinstance(sent, str) or len(sent) > most * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        return None
