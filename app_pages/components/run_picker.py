"""The run picker above every page."""

from __future__ import annotations

import streamlit as st

from app_pages.state import runs


def run_picker() -> None:
    """What is chosen stands in the session and, on every page, in the address."""
    named, broken = runs.all_runs()
    key = runs.seed_run(list(named))
    labels = runs.labels(named)
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="run-bar"):
        for folder, error in broken:
            st.badge(f"{folder.name} cannot be opened", icon=":material/error:", color="red", help=str(error))
        st.selectbox(
            "Run",
            list(named),
            key=key,
            format_func=lambda name: f"Run: {labels[name]}",
            width=340,
            label_visibility="collapsed",
        )
