"""Several predicted photos: a table of them, and downloads."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import PurePath

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages.predict.answer import png
from app_pages.predict.sets import Rule, words
from har_core.cam.scales import to_heatmap
from har_core.files import csv_bytes
from har_core.inference.prediction import Prediction
from har_core.inference.predictor import Predictor
from har_core.viz import overlays
from har_core.viz.formats import class_label, escape_markdown

AT_ONCE = 100
"""Photos: what one visitor may keep in the memory that all share."""


def batch(
    predictions: list[Prediction], predictor: Predictor, rule: Rule, *, first: int
) -> tuple[Prediction, DeltaGenerator]:
    """All photos as a sortable table; returns the chosen one, and the place for its answer.

    Args:
        first: which of them is shown until another is chosen.
    """
    table = pd.DataFrame(
        {
            "photo": [_thumbnail(one) for one in predictions],
            "file": [one.name for one in predictions],
            "answer": [words(one, rule)[0] for one in predictions],
            "likeliest": [class_label(one.predicted) for one in predictions],
            "probability": [one.confidence * 100 for one in predictions],
        }
    )
    event = st.dataframe(
        table,
        key=f"photos-{first}",
        hide_index=True,
        row_height=64,
        on_select="rerun",
        selection_mode="single-cell",
        column_config={
            "photo": st.column_config.ImageColumn("photo", width="small"),
            "probability": st.column_config.ProgressColumn("probability", format="%.0f %%", min_value=0, max_value=100),
        },
        alt="The predicted photos with answer and probability",
    )
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV",
            _csv(predictions),
            "predictions.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if predictor.explanation != "occlusion":  # which is computed for one photo at a time
            st.download_button(
                "Heatmaps as PNG (zip)",
                lambda: _heatmaps_zip(predictions, predictor.spec.crop_size),
                "heatmaps.zip",
                "application/zip",
                icon=":material/download:",
                on_click="ignore",
            )
    rows = [row for row, _ in event.selection.cells]
    chosen = predictions[rows[0] if rows and rows[0] < len(predictions) else first]
    st.subheader(escape_markdown(chosen.name), divider="gray", anchor=False)
    st.caption("Click a photo or its name in the table to see another photo.")
    return chosen, st.container()


def _thumbnail(prediction: Prediction) -> str:
    small = prediction.photo.copy()
    small.thumbnail((128, 128))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _csv(predictions: list[Prediction]) -> bytes:
    rows = ((one.name, one.predicted, one.confidence, *one.probabilities.tolist()) for one in predictions)
    return csv_bytes([("file", "predicted", "confidence", *predictions[0].classes), *rows])


def _heatmaps_zip(predictions: list[Prediction], crop_size: int) -> bytes:
    """A zip of one PNG per photo: the heatmap of its predicted class."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, one in enumerate(predictions, start=1):
            heatmap = to_heatmap(one.class_maps[one.ranking[0]], crop_size)
            picture = overlays.overlay(one.photo, heatmap, one.crop, opacity=0.7)
            archive.writestr(f"{number:03d}-{PurePath(one.name).stem}-{one.predicted}.png", png(picture))
    return buffer.getvalue()
