"""Previous and Next, also by the arrow keys, and other keys."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app_pages.components.own_component import own_component
from app_pages.components.press_log import Act, log_reader

PREVIOUS, NEXT = "previous", "next"

_component = own_component(
    "photo_keys",
    '<div class="keys"><button type="button">← Previous</button><button type="button">Next →</button></div>',
)


def photo_keys(*, key: str, first: bool, last: bool, act: Act, keys: Sequence[str] = ()) -> None:
    """Draw the buttons and listen.

    Args:
        first, last: whether there is nothing before, or after, what is shown.
        act: called with presses, `PREVIOUS`, `NEXT` or some of `keys`: each press is acted on once.
        keys: of the keyboard, as browsers call them.
    """
    pressed = log_reader(key, act)

    def act_on_all() -> None:
        pressed(told=True)

    _component(
        key=key, data={"first": first, "last": last, "keys": list(keys)}, on_log_change=act_on_all, width="content"
    )
    if pressed(told=False):  # what a run that was broken off has left to do
        st.rerun()
