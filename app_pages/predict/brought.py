"""The photos that a visitor brought to Predict, kept for as long as the session: widgets forget them when their page is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from app_pages.predict import samples

_PHOTOS, _NEWEST, _REFUSED = "photos-kept", "photos-newest", "photos-refused"


def brought() -> dict[str, tuple[str, bytes]]:
    """(name, content) by the file's number."""
    photos: dict[str, tuple[str, bytes]] = st.session_state.get(_PHOTOS, {})
    return photos


def bring(photos: Mapping[str, tuple[str, bytes]]) -> None:
    """They replace what was brought before, and a sample.  What was refused before, and was said to be, is left out."""
    before, refused = brought(), st.session_state.get(_REFUSED, ())
    photos = {number: photo for number, photo in photos.items() if number not in refused}
    newest = next((number for number in photos if number not in before), None)
    forget()
    st.session_state[_PHOTOS], st.session_state[_NEWEST] = photos, newest
    st.session_state[_REFUSED] = refused


def newest() -> str | None:
    """The number of the first file that was brought last."""
    number: str | None = st.session_state.get(_NEWEST)
    return number


def refuse(numbers: Iterable[str]) -> None:
    """Remember which files are no photos: the next that are brought are not told of together with these."""
    st.session_state[_REFUSED] = {*st.session_state.get(_REFUSED, ()), *numbers}


def forget() -> None:
    for key in (_PHOTOS, _NEWEST, _REFUSED):
        st.session_state.pop(key, None)
    samples.forget()
