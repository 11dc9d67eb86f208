"""Previous and Next, also by the arrow keys, and other keys; quick presses act one after the other, in their order.

Of two presses of a button of Streamlit's that come while a page is drawn, only one is told to the app, and what it would
act on is what the page showed then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import streamlit as st

from app_pages.components.own_component import own_component

PREVIOUS, NEXT = "previous", "next"

_component = own_component(
    "photo_keys",
    '<div class="keys"><button type="button">← Previous</button><button type="button">Next →</button></div>',
)


Act = Callable[[list[str]], Callable[[], object]]
"""Gets presses in their order and acts on them all; returns what puts the outcome into the session.

It reads what it needs from the session before it acts: a press that comes meanwhile makes Streamlit break off at the next look
into the session, and what was not yet done is then done with that press.
"""


class _Done:
    """How many presses of a page's log have been acted on."""

    def __init__(self) -> None:
        self.since: object = None
        self.count = 0
        self.lock = Lock()  # a run of the page that is being broken off may still be at work


def photo_keys(*, key: str, first: bool, last: bool, act: Act, keys: Sequence[str] = ()) -> None:
    """Draw the buttons and listen.

    Args:
        first, last: whether there is nothing before, or after, what is shown.
        act: called with presses, `PREVIOUS`, `NEXT` or some of `keys`: each press is acted on once.
        keys: of the keyboard, as browsers call them.
    """
    done: _Done = st.session_state.setdefault(f"{key}-done", _Done())

    def pressed() -> bool:
        log = getattr(st.session_state.get(key), "log", None)
        if not log:
            return False
        since, count, presses = log
        with done.lock:
            new = count - done.count if since == done.since else count
            if new <= 0:
                return False
            finish = act(presses[-new:])
            done.since, done.count = since, count
        finish()
        return True

    def act_on_all() -> None:
        pressed()

    _component(
        key=key, data={"first": first, "last": last, "keys": list(keys)}, on_log_change=act_on_all, width="content"
    )
    if pressed():  # what a run that was broken off has left to do
        st.rerun()
