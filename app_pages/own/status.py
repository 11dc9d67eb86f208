"""The line above other pages that says what goes on here."""

from __future__ import annotations

import streamlit as st


def status(text: str, link: str, key: str = "scoring-status") -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        st.caption(text, width="content")
        st.page_link("app_pages/own/your_photos.py", label=link)
