"""A clip that plays in the browser, as far as browsers play its kind."""

from __future__ import annotations

from pathlib import Path, PurePath

import streamlit as st

_PLAYED = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}


def clip_player(path: Path, name: str, *, start: float) -> bool:
    """Without sound, from a time in seconds on; whether it can be.

    Args:
        name: its suffix says what kind of file it is.
    """
    kind = _PLAYED.get(PurePath(name).suffix.lower())
    if kind is None:
        st.caption(
            f"Browsers do not play {PurePath(name).suffix.removeprefix('.').upper()} files; frames of it are below."
        )
        return False
    st.video(str(path), format=kind, start_time=start, muted=True)
    return True
