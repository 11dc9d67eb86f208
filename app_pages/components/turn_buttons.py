"""Previous and Next, also by the arrow keys; quick presses count each.

Of two presses of a button of Streamlit's that come while a page is drawn, only one is told to the app.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).with_suffix("")
_component = st.components.v2.component(
    "turn_buttons",
    html='<div class="turn"><button type="button">← Previous</button><button type="button">Next →</button></div>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


def turn_buttons(*, key: str, first: bool, last: bool, on_turn: Callable[[int], object]) -> None:
    """Draw the buttons.

    Args:
        first, last: whether there is nothing before, or after, what is shown.
        on_turn: called with the number of steps: positive for Next.
    """
    counted = f"{key}-counted"

    def turned() -> None:
        mounted, steps = st.session_state[key].steps
        known, before = st.session_state.get(counted, (None, 0))
        st.session_state[counted] = mounted, steps
        on_turn(steps - before if mounted == known else steps)

    _component(key=key, data={"first": first, "last": last}, on_steps_change=turned, width="content")
