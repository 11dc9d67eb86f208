"""Go to another page as a click on a link does: in one step of the browser's history.

`st.switch_page(query_params=…)` makes two: the new parameters on the old page come first.
"""

from __future__ import annotations

import streamlit as st

from app_pages.components.own_component import own_component

_component = own_component("follow", "<span></span>")


def follow(page: str, label: str, query: dict[str, str]) -> None:
    """Draw a link and press it; the rest of this rerun is not drawn.

    Args:
        page: its file.
        query: the parameters of its address, of `state.url.query`.
    """
    with st.container(key="followed"):
        st.page_link(page, label=label, query_params=query)
    _component(key="follow", height=1)
    st.stop()
