"""The photos that a visitor brought to Predict, kept for as long as the session: widgets forget them when their page is left."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app_pages.predict import samples

_PHOTOS = "photos-kept"


def brought() -> dict[str, tuple[str, bytes]]:
    """(name, content) by the file's number."""
    photos: dict[str, tuple[str, bytes]] = st.session_state.get(_PHOTOS, {})
    return photos


def bring(photos: Mapping[str, tuple[str, bytes]]) -> None:
    """They replace what was brought before, and a sample."""
    forget()
    st.session_state[_PHOTOS] = dict(photos)


def forget() -> None:
    st.session_state.pop(_PHOTOS, None)
    samples.forget()
