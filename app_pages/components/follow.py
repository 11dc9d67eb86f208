"""Go to another page as a click on a link does: in one step of the browser's history.

`st.switch_page(query_params=…)` makes two: the new parameters on the old page come first.
"""

from __future__ import annotations

import streamlit as st

from app_pages.components.own_component import own_component
from app_pages.state import url

_component = own_component("follow", "<span></span>")
_AHEAD = "follow-ahead"


def follow(page: str, label: str, query: dict[str, str]) -> None:
    """Draw a link and press it; the rest of this rerun is not drawn.

    Where it leads to another run, the links to all pages are drawn anew before, for that run: who presses one of them meanwhile
    comes to that run as well.

    Args:
        page: its file.
        query: the parameters of its address, of `state.url.query`.
    """
    if url.leads_elsewhere(query):
        st.session_state[_AHEAD] = page, label, query
        url.show_run(query.get(url.RUN))
        st.rerun()
    with st.container(key="followed"):
        st.page_link(page, label=label, query_params=query)
    _component(key="follow", height=1)
    st.stop()


def lead_on() -> None:
    """Called when the links to all pages are drawn: go where `follow` leads."""
    if (ahead := st.session_state.pop(_AHEAD, None)) is not None:
        follow(*ahead)
