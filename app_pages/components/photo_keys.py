"""Previous and Next, also by the arrow keys, and other keys; quick presses act one after the other, in their order.

Of two presses of a button of Streamlit's that come while a page is drawn, only one is told to the app, and what it would
act on is what the page showed then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app_pages.components.own_component import own_component

PREVIOUS, NEXT = "previous", "next"

_component = own_component(
    "photo_keys",
    '<div class="keys"><button type="button">← Previous</button><button type="button">Next →</button></div>',
)


def photo_keys(
    *, key: str, first: bool, last: bool, on_press: Callable[[str], object], keys: Sequence[str] = ()
) -> None:
    """Draw the buttons and listen.

    Args:
        first, last: whether there is nothing before, or after, what is shown.
        on_press: called with `PREVIOUS`, `NEXT` or one of `keys`, once for each press and in their order.
        keys: of the keyboard, as browsers call them.
    """
    counted = f"{key}-counted"

    def pressed() -> None:
        since, count, presses = st.session_state[key].log
        known, before = st.session_state.get(counted, (None, 0))
        st.session_state[counted] = since, count
        new = count - before if since == known else count
        for what in presses[-new:] if new > 0 else []:
            on_press(what)

    _component(key=key, data={"first": first, "last": last, "keys": list(keys)}, on_log_change=pressed, width="content")
