"""A log of what was pressed in a component, so that quick presses act one after the other, each once and in their order.

Of two presses of a button of Streamlit's that come while a page is drawn, only one is told to the app, and what it would
act on is what the page showed then.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import streamlit as st

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


def log_reader(key: str, act: Act) -> Callable[..., bool]:
    """What acts on the presses that the component of that key has logged since the last time; says whether there were any.

    To be called before the component is drawn.  The component's state has a value `log`: (when it was begun, presses in all,
    the last of them).

    A log that is there in the very run that first draws the component, and of which nobody told, comes from an earlier session, of
    a server that was started anew: what it tells was done there.

    Args:
        act: called with presses; each press is acted on once.

    Returns:
        A function of `told`: whether it is called because of a press.
    """
    first = f"{key}-done" not in st.session_state
    done = _done(key)

    def pressed(*, told: bool) -> bool:
        log = getattr(st.session_state.get(key), "log", None)
        if not log:
            return False
        since, count, presses = log
        with done.lock:
            new = count - done.count if since == done.since else count
            if new <= 0:
                return False
            finish = act(presses[-new:]) if told or not first else None
            done.since, done.count = since, count
        if finish is not None:
            finish()
        return finish is not None

    return pressed


def _done(key: str) -> _Done:
    """Of the session."""
    found: _Done = st.session_state.setdefault(f"{key}-done", _Done())
    return found


def acted_on(key: str) -> tuple[object, int]:
    """When the log was begun whose presses have been acted on, and how many of them."""
    done = _done(key)
    return done.since, done.count
