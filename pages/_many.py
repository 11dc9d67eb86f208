"""Several recognised photos: a table of them, and what can be taken home."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import PurePath

import pandas as pd
import streamlit as st

from har_core import pictures
from har_core.explain import heatmap
from har_core.recogniser import Recognised, Recogniser
from har_core.words import bare
from pages import _photo

AT_ONCE = 100
"""Photos: what one visitor may keep in the memory that all share."""


def table(seen: list[Recognised], recogniser: Recogniser) -> Recognised:
    """All photos as a sortable table; returns the chosen one."""
    threshold = st.session_state.get("threshold", 0.5)
    table = pd.DataFrame(
        {
            "photo": [_thumbnail(one) for one in seen],
            "file": [one.name for one in seen],
            "action": [bare(one.predicted) if one.confidence >= threshold else "unsure" for one in seen],
            "likeliest": [bare(one.predicted) for one in seen],
            "probability": [one.confidence * 100 for one in seen],
        }
    )
    event = st.dataframe(
        table,
        key="photos",
        hide_index=True,
        row_height=64,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "photo": st.column_config.ImageColumn("photo", width="small"),
            "probability": st.column_config.ProgressColumn("probability", format="%.0f %%", min_value=0, max_value=100),
        },
        alt="The recognised photos with action and probability",
    )
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV", _csv(seen), "recognised.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "Heatmaps as PNG (zip)",
            lambda: _overlays(seen, recogniser.spec.crop_size),
            "heatmaps.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
    rows = event.selection.rows
    chosen = seen[rows[0] if rows and rows[0] < len(seen) else 0]
    st.subheader(chosen.name, divider="gray")
    st.caption("Choose another photo by its row in the table.")
    _photo.answer(chosen)
    return chosen


def _thumbnail(seen: Recognised) -> str:
    small = seen.photo.copy()
    small.thumbnail((128, 128))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _csv(seen: list[Recognised]) -> bytes:
    rows = [
        {"file": one.name, "predicted": one.predicted, "confidence": one.confidence}
        | dict(zip(one.classes, one.probabilities.tolist(), strict=True))
        for one in seen
    ]
    return pd.DataFrame(rows).to_csv(index=False).encode()


def _overlays(seen: list[Recognised], crop_size: int) -> bytes:
    """A zip of one PNG a photo: the heatmap of its predicted class."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, one in enumerate(seen, start=1):
            heat = heatmap(one.maps[one.ranking[0]], crop_size)
            picture = pictures.overlay(one.photo, heat, one.crop, opacity=0.7)
            archive.writestr(f"{number:03d}-{PurePath(one.name).stem}-{one.predicted}.png", _photo.png(picture))
    return buffer.getvalue()
