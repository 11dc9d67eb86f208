"""A clip that plays in the browser, as far as browsers play its kind."""

from __future__ import annotations

from pathlib import Path, PurePath

import streamlit as st

_PLAYED = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}


def clip_player(path: Path, name: str, *, start: float) -> None:
    """Without sound, from a time in seconds on.

    Args:
        name: its suffix says what kind of file it is.
    """
    kind = _PLAYED.get(PurePath(name).suffix.lower())
    if kind is None:
        st.caption("Browsers do not play this kind of file; its frames are below.")
        return
    st.video(str(path), format=kind, start_time=start, muted=True)
